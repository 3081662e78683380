-- runs for ever
::a:: goto b ::b:: goto a

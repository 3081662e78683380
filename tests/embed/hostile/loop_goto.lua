-- runs for ever
::again:: goto again

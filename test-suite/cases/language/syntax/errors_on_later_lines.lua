for _, text in ipairs{
  "if x then\n\ny = 1\n", "function f()\n  if x then\n end\n", "x = {\n1,\n2\n", "f(\n1,\n2", "for i = 1, 2 do\n\nif x then\nend\n", "repeat\nx = 1\n", "while true do\n(", "local t = {\n  a = 1\n  b = 2\n}", "x = 1\ny = = 2", "a\n=\n", "x = [[\n\n\n", "--[[\n\n", "goto l1\ndo ::l1:: end",
  "break\n\n\n", "local x <const> = 1\n\nx = 2", "\n\n\n\n@", "x = 'a\\\nb\\qc'", "return function()\n  return\nend end",
} do local f, message = load(text, "=s") print(message or "loads") end

for _, text in ipairs{
  "goto missing", "do goto inner end do ::inner:: end", "::a:: ::a::", "goto f; local x; ::f:: print(x)", "goto f; local x; ::f::",
  "do goto f; local x; ::f:: ; end", "repeat goto c; local x; ::c:: until x", "::a:: do ::a:: end", "goto = 1", "do local x goto done end ::done::",
  "function f() goto out end ::out::", "while true do goto continue local y ::continue:: end",
} do print((select(2, load(text))) or "loads") end

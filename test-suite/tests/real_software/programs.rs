//! The programs, and the packages they are from.

/// A program: what runs, and where.
pub(crate) struct Program {
    /// Its name in reports.
    pub(crate) name: &'static str,
    /// What it runs in a copy of: the sources of a package, or a folder of a package as
    /// `package/folder`; an empty folder without.
    pub(crate) source: &'static str,
    /// What comes first on the search path for modules.
    pub(crate) module_path: &'static str,
    /// Whether it depends on the order of traversal, which then is fixed for both sides.
    pub(crate) ordered: bool,
    /// The command line. `{bin}`, `{share}` and `{here}` stand for the folders of the packages'
    /// programs, of their Lua modules, and of the scripts of this test.
    pub(crate) arguments: &'static str,
    /// What the reference implementation prints if it really ran the program.
    pub(crate) shows: &'static str,
}

/// What is on the search path, as programs and modules.
pub(crate) const PACKAGES: &[&str] = &[
    "lua-ansicolors",
    "lua-argparse",
    "lua-basexx",
    "lua-binaryheap",
    "lua-busted",
    "lua-cgi",
    "lua-check",
    "lua-cliargs",
    "lua-compat53",
    "lua-copas",
    "lua-cosmo",
    "lua-coxpcall",
    "lua-dkjson",
    "lua-fifo",
    "lua-http",
    "lua-inifile",
    "lua-inspect",
    "lua-json",
    "lua-ldoc",
    "lua-leg",
    "lua-logging",
    "lua-lpeg-patterns",
    "lua-luassert",
    "lua-markdown",
    "lua-mediator",
    "lua-messagepack",
    "lua-moses",
    "lua-orbit",
    "lua-penlight",
    "lua-redis",
    "lua-say",
    "lua-soap",
    "lua-socket",
    "lua-term",
    "lua-unit",
    "lua-uri",
    "lua-wsapi",
    "lua-xmlrpc",
    "luarocks",
];

const NEITHER: Program = Program {
    name: "",
    source: "",
    module_path: "",
    ordered: false,
    arguments: "",
    shows: "",
};

/// The specifications of a package, run by busted.
const fn specifications(source: &'static str, shows: &'static str) -> Program {
    Program {
        name: source,
        source,
        arguments: "{bin}/busted -o TAP",
        shows,
        ..NEITHER
    }
}

/// A program in the sources of a package.
const fn within(
    name: &'static str,
    source: &'static str,
    arguments: &'static str,
    shows: &'static str,
) -> Program {
    Program {
        name,
        source,
        arguments,
        shows,
        ..NEITHER
    }
}

/// One test program of MessagePack's.
const fn message_pack(name: &'static str, arguments: &'static str, shows: &'static str) -> Program {
    Program {
        module_path: "./src5.3/?.lua;",
        ..within(name, "lua-messagepack", arguments, shows)
    }
}

/// Every program.
pub(crate) const PROGRAMS: &[Program] = &[
    specifications("lua-penlight", "\nok 240 - "),
    specifications("lua-argparse", "\nok 190 - "),
    specifications("lua-inspect", "\nok 46 - "),
    specifications("lua-luassert", "\nok 200 - "),
    specifications("lua-say", "\nok 8 - "),
    specifications("lua-mediator", "\nok 26 - "),
    specifications("lua-cliargs", "\nok 170 - "),
    specifications("lua-fifo", "\nok 6 - "),
    specifications("luacheck", "\nok 450 - "),
    within(
        "busted",
        "lua-busted",
        "{bin}/busted -o TAP",
        "\nok 1670 - ",
    ),
    within(
        "inifile",
        "lua-inifile",
        "{bin}/busted -o TAP inifile_spec.lua",
        "\nok 18 - ",
    ),
    within(
        "binaryheap",
        "lua-binaryheap",
        "{bin}/busted --no-coverage -o TAP",
        "\nok 60 - ",
    ),
    Program {
        ordered: true,
        ..within(
            "moses",
            "lua-moses",
            "{bin}/busted -o TAP --no-coverage",
            "\nok 360 - ",
        )
    },
    within(
        "busted, for a terminal",
        "lua-penlight",
        "{bin}/busted -o utfTerminal --shuffle --seed=7",
        "233 successes",
    ),
    Program {
        ordered: true,
        ..within(
            "busted, as XML",
            "lua-argparse",
            "{bin}/busted -o junit",
            "</testsuites>",
        )
    },
    within(
        "ldoc",
        "lua-penlight",
        "{bin}/ldoc --date 2020-01-01 .",
        "output written to",
    ),
    within(
        "ldoc on itself",
        "lua-ldoc",
        "{bin}/ldoc --date 2020-01-01 -a -d out ldoc",
        "output written to",
    ),
    Program {
        name: "luacheck over every module",
        arguments: "{bin}/luacheck --no-cache --formatter plain {share}",
        shows: "/pl/",
        ..NEITHER
    },
    Program {
        name: "luacheck in colour",
        arguments: "{bin}/luacheck --no-cache --std max {share}/5.1/luacheck {share}/5.1/pl",
        shows: "Total: ",
        ..NEITHER
    },
    within(
        "luaunit",
        "lua-unit",
        "run_unit_tests.lua -v",
        "206 successes",
    ),
    within(
        "luaunit, functional tests",
        "lua-unit",
        "run_functional_tests.lua -v",
        "19 successes",
    ),
    within(
        "luaunit, an example",
        "lua-unit",
        "example_with_luaunit.lua -v",
        "Ran 15 tests",
    ),
    message_pack("MessagePack, module", "test/00-require.lua", "\nok 8 "),
    message_pack(
        "MessagePack, specification",
        "test/01-spectest.lua",
        "\nok 621 ",
    ),
    message_pack("MessagePack, exceptions", "test/02-except.lua", "\nok 24 "),
    message_pack("MessagePack, edges", "test/03-edge.lua", "\nok 42 "),
    message_pack("MessagePack, coverage", "test/04-cover.lua", "\nok 41 "),
    message_pack(
        "MessagePack, metatables",
        "test/12-metatable.lua",
        "\nok 6 ",
    ),
    message_pack("MessagePack, functions", "test/14-function.lua", "\nok 4 "),
    message_pack("MessagePack, closures", "test/22-closure.lua", "\nok 5 "),
    message_pack(
        "MessagePack, custom unpacking",
        "test/31-custom-unpack.lua",
        "\nok 3 ",
    ),
    message_pack("MessagePack, a report", "test/issue6.lua", "\nok 17 "),
    Program {
        ordered: true,
        ..within(
            "dkjson",
            "lua-dkjson",
            "jsontest.lua",
            "mixed table encoded",
        )
    },
    Program {
        name: "JSON round trip",
        arguments: "{here}/json-round-trip.lua",
        shows: " bytes\n",
        ..NEITHER
    },
    Program {
        name: "command lines",
        arguments: "{here}/command-line.lua",
        shows: "Did you mean",
        ..NEITHER
    },
    within(
        "computer algebra",
        "texlive-luatex/usr/share/texlive/texmf-dist/tex/lualatex/luacas",
        "test/luacas-main.lua",
        "all of which passed",
    ),
    within("coxpcall", "lua-coxpcall", "tests/test.lua", "OK\t24"),
    Program {
        ordered: true,
        module_path: "./src/?.lua;",
        ..within(
            "logging",
            "lua-logging",
            "tests/testEnv.lua",
            "tests succesful",
        )
    },
    Program {
        name: "modules of 5.4",
        arguments: "{here}/require-all.lua {share}/5.4",
        shows: " modules loaded\n",
        ..NEITHER
    },
    Program {
        name: "modules of earlier versions",
        ordered: true,
        arguments: "{here}/require-all.lua {share}/5.3 {share}/5.1",
        shows: " modules loaded\n",
        ..NEITHER
    },
    within(
        "luarocks, help",
        "lua-penlight",
        "{bin}/luarocks --help",
        "install",
    ),
    within(
        "luarocks, install",
        "lua-penlight",
        "{bin}/luarocks help install",
        "--tree",
    ),
    within(
        "luarocks, lint",
        "lua-penlight",
        "{bin}/luarocks lint rockspecs/penlight-1.13.1-1.rockspec",
        "",
    ),
    Program {
        ordered: true,
        ..within(
            "luarocks, settings",
            "lua-penlight",
            "{bin}/luarocks config",
            "rocks_trees",
        )
    },
    Program {
        ordered: true,
        ..within(
            "luarocks, new version",
            "lua-penlight",
            "{bin}/luarocks new_version penlight-dev-1.rockspec 9.9",
            "Wrote penlight-9.9-1",
        )
    },
    within(
        "luarocks, completion",
        "lua-penlight",
        "{bin}/luarocks completion bash",
        "complete -F",
    ),
];

/// The packages whose sources programs run in.
pub(crate) fn sources() -> Vec<&'static str> {
    let mut names: Vec<&str> = PROGRAMS.iter().map(|program| program.source).collect();
    names.sort_unstable();
    names.dedup();
    names.retain(|name| !name.is_empty() && !name.contains('/'));
    names
}

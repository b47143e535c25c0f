"""The project's C++ rules: Bazel's own, with the flags every target here is built with.

    load("//tools/build:mxa.bzl", "mxa_cc_library", "mxa_cc_test")
"""

_WARNINGS = [
    "-Wall",
    "-Wextra",
    "-Werror",
    "-Wcast-qual",
    "-Wextra-semi",
    "-Wmissing-declarations",
    "-Woverloaded-virtual",
    "-Wvla",
]

_GCC = [
    # liburcu declares C thread-locals `extern`. They have no constructor, so reading them needs no wrapper call.
    "-fno-extern-tls-init",
    # A fence under TSan is worth a warning, and is no error: liburcu's headers contain some.
    "-Wno-error=tsan",
]

_CLANG = [
    "-Wthread-safety",
    "-Werror=thread-safety",
]

_ALWAYS = ["//tools/build:tsan_suppressions"]

def _copts(copts):
    return ["-std=c++20"] + _WARNINGS + select({
        "//tools/build:clang": _CLANG,
        "//conditions:default": _GCC,
    }) + copts

def _defines(local_defines):
    return local_defines + select({
        "//tools/build:hooks": ["MXA_HOOKS=1"],
        "//conditions:default": [],
    })

def mxa_cc_library(name, copts = [], local_defines = [], **kwargs):
    """A library; MXA_HOOKS=1 is defined in it when built with hooks."""
    native.cc_library(
        name = name,
        copts = _copts(copts),
        local_defines = _defines(local_defines),
        **kwargs
    )

def mxa_cc_binary(name, deps = [], copts = [], local_defines = [], **kwargs):
    """A program with a main of its own."""
    native.cc_binary(
        name = name,
        copts = _copts(copts),
        deps = deps + _ALWAYS,
        local_defines = _defines(local_defines),
        **kwargs
    )

def mxa_cc_test(name, deps = [], copts = [], local_defines = [], tags = [], linkstatic = True, own_main = False, **kwargs):
    """A GoogleTest test.

    Args:
      name: the target's name.
      deps: what it needs beside GoogleTest, which is always there.
      copts: added to the project's flags.
      local_defines: added to the project's defines.
      tags: `hooks`: needs schedule points or planted bugs, and is left out of builds without them;
        `noasan`, `notsan`: is left out under that sanitizer by ./dev.
      linkstatic: one program without libraries of its own, as it is shipped.
      own_main: the sources have their own main.
      **kwargs: as for cc_test.
    """
    gtest = "gtest" if own_main else "gtest_main"
    if "hooks" in tags:
        kwargs["target_compatible_with"] = select({
            "//tools/build:hooks": [],
            "//conditions:default": ["//tools/build:never"],
        })
    native.cc_test(
        name = name,
        copts = _copts(copts),
        linkstatic = linkstatic,
        local_defines = _defines(local_defines),
        tags = tags,
        deps = deps + ["@com_google_googletest//:" + gtest] + _ALWAYS,
        **kwargs
    )

def mxa_cc_motion_test(name, srcs, deps = [], tags = [], still_only = [], not_everywhere = [], repeat = 10, **kwargs):
    """A GoogleTest test three times: NAME, where nothing moves but what it moves itself; NAME_compactor, while passes run
    all the time; NAME_everywhere (hooks), where every node moves after each operation and at schedule points inside.

    For tests that run no passes, install no schedule handler and count no moves (tests/support/pass_environment.h,
    everywhere_environment.h). Death tests run in the first only.

    Args:
      name: the first target's name.
      srcs: compiled once for all three.
      deps: as for mxa_cc_test.
      tags: likewise.
      still_only: names of tests, with their suite, that run in the first only.
      not_everywhere: likewise, that do not run in the last: long ones over large trees.
      repeat: how often NAME_compactor runs each test. Most last for some microseconds: a pass meets each only now and
        then.
      **kwargs: as for mxa_cc_test.
    """
    mxa_cc_library(
        name = name + "_cases",
        testonly = True,
        srcs = srcs,
        alwayslink = True,
        tags = tags,
        deps = deps + ["@com_google_googletest//:gtest"],
    )
    mxa_cc_test(name = name, tags = tags, deps = [":%s_cases" % name], **kwargs)
    modes = [
        ("compactor", still_only, ["--gtest_repeat=%d" % repeat]),
        ("everywhere", still_only + not_everywhere, []),
    ]
    for mode, left_out, how_often in modes:
        if mode == "everywhere" and kwargs.get("size") == "small":
            kwargs["timeout"] = "moderate"  # under TSan each move takes its time
        mxa_cc_test(
            name = "%s_%s" % (name, mode),
            args = how_often + ["--gtest_brief=1", "--gtest_filter=-" + ":".join(["*DeathTest.*"] + left_out)],
            tags = tags + (["hooks"] if mode == "everywhere" else []),
            deps = [
                ":%s_cases" % name,
                "//tests/support:motion_" + mode,
            ],
            **kwargs
        )

def mxa_cc_fuzzer(name, deps = [], copts = [], local_defines = [], **kwargs):
    """A libFuzzer program: the sources define LLVMFuzzerTestOneInput. Left out of every build but --config=fuzz."""
    native.cc_binary(
        name = name,
        testonly = True,
        copts = _copts(copts),
        deps = deps + _ALWAYS,
        linkopts = ["-fsanitize=fuzzer"],
        local_defines = _defines(local_defines),
        target_compatible_with = select({
            "//tools/build:fuzz": [],
            "//conditions:default": ["//tools/build:never"],
        }),
        **kwargs
    )

def mxa_cc_benchmark(name, smoke_args = ["--smoke"], smoke_size = "small", smoke_tags = [], testonly = True, **kwargs):
    """A benchmark program, and NAME_smoke_test, which runs it as briefly as it can.

    Args:
      name: the program's name, by custom GROUP_..._bench.
      smoke_args: what makes the program brief (MXA_BENCH_SMOKE=1 is set as well).
      smoke_size: the smoke test's size.
      smoke_tags: the smoke test's tags; `smoke` is always one.
      testonly: as for cc_binary.
      **kwargs: as for mxa_cc_binary.
    """
    mxa_cc_binary(
        name = name,
        testonly = testonly,
        **kwargs
    )
    native.sh_test(
        name = name + "_smoke_test",
        size = smoke_size,
        srcs = ["//tools/build:bench_smoke.sh"],
        args = ["$(rootpath :%s)" % name] + smoke_args,
        data = [":" + name],
        tags = ["smoke"] + smoke_tags,
    )

// SPDX-License-Identifier: Apache-2.0
//
// What the sanitizers do in the program mxa unless the environment says otherwise: they end it with 66, so that whoever ran
// it can tell them from a violation that the bench has found by itself.
extern "C" {

const char* __asan_default_options();
const char* __tsan_default_options();
const char* __ubsan_default_options();

const char* __asan_default_options() { return "exitcode=66:detect_stack_use_after_return=0"; }
const char* __tsan_default_options() { return "exitcode=66:halt_on_error=1:second_deadlock_stack=1:history_size=4"; }
const char* __ubsan_default_options() { return "exitcode=66:print_stacktrace=1"; }
}

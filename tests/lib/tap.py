"""Runs the functions of a test file and prints TAP.

A test is a function whose name says what must hold, marked with @test; they run in the order they are
written, each in a process that one failure does not stop. run() ends the program with 0 when all passed.

    from tap import test, run, eq, wait_until

    @test
    def a_deleted_row_never_comes_back():
        eq(rows(), [])

    run()

An argument picks tests whose name holds it: ./test_copy.py never_comes_back
"""
import contextlib
import os
import sys
import time
import traceback

_tests = []
_on_failure = []


def test(function):
    _tests.append(function)
    return function


def on_failure(function):
    """Called after a failed test, to show logs as diagnostics; returns text."""
    _on_failure.append(function)
    return function


def diag(text):
    for line in str(text).splitlines():
        print("#", line)


class Skip(Exception):
    """Raised by a test that cannot run here, with the reason."""


def eq(got, expected, what=""):
    if got != expected:
        raise AssertionError(f"{what + ': ' if what else ''}got {got!r}, expected {expected!r}")


def has(text, part):
    if part not in text:
        raise AssertionError(f"{part!r} is not in {text!r}")


def wait_until(condition, what, seconds=30, every=0.05):
    """Waits until condition() is true and returns what it gave; fails with what it last gave."""
    end = time.monotonic() + seconds
    while True:
        got = condition()
        if got:
            return got
        if time.monotonic() > end:
            raise AssertionError(f"waited {seconds} s for {what}; last: {got!r}")
        time.sleep(every)


@contextlib.contextmanager
def raises(kind, part=""):
    try:
        yield
    except kind as error:
        has(str(error), part)
        return
    raise AssertionError(f"no {kind.__name__} was raised")


def _failed(number, name):
    print(f"not ok {number} - {name}")
    diag(traceback.format_exc())
    for show in _on_failure:
        try:
            diag(show())
        except Exception as error:  # the test's own failure matters more
            diag(f"{show.__name__}: {error}")


def run():
    picked = [t for t in _tests if not sys.argv[1:] or any(a in t.__name__ for a in sys.argv[1:])]
    print(f"1..{len(picked)}", flush=True)
    failures = 0
    for number, function in enumerate(picked, 1):
        began = time.monotonic()
        try:
            function()
            print(f"ok {number} - {function.__name__} # {time.monotonic() - began:.1f} s")
        except Skip as reason:
            print(f"ok {number} - {function.__name__} # SKIP {reason}")
        except Exception:
            failures += 1
            _failed(number, function.__name__)
        sys.stdout.flush()
    # a thread of a failed test must not keep the program
    sys.stdout.flush()
    sys.exit(1 if failures or not picked else 0)

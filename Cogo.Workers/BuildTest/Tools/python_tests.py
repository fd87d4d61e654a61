"""Runs the tests with pytest where the project or the machine has it, else with unittest, and writes JUnit XML."""

import importlib.util
import os
import re
import subprocess
import sys
import time
import unittest
import xml.etree.ElementTree as tree

REPORT = os.path.join(os.environ["COGO_RESULTS"], "python.xml")
NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def text_of(path):
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read(1 << 20)
    except OSError:
        return ""


def asks_for_pytest():
    if any(os.path.exists(name) for name in ("pytest.ini", "conftest.py", "tests/conftest.py", "test/conftest.py")):
        return True
    if "[tool.pytest" in text_of("pyproject.toml") or "[tool:pytest]" in text_of("setup.cfg"):
        return True
    for folder in (".", "tests", "test"):
        for name in os.listdir(folder) if os.path.isdir(folder) else ():
            if re.match(r"(test_.*|.*_test)\.py$", name) and re.search(r"^\s*(import|from) pytest\b", text_of(os.path.join(folder, name)), re.M):
                return True
    return False


class Results(unittest.TextTestResult):
    """One testcase element a test; a failing subtest is one of its own."""

    def __init__(self, *arguments, **options):
        super().__init__(*arguments, **options)
        self.suite = tree.Element("testsuite", name="unittest")
        self.began = time.monotonic()

    def startTest(self, test):
        super().startTest(test)
        self.began = time.monotonic()

    def add(self, test, kind=None, message=""):
        parts = test.id().rsplit(".", 1)
        case = tree.SubElement(
            self.suite, "testcase", name=clean(parts[-1]), classname=clean(parts[0]), time=f"{time.monotonic() - self.began:.3f}")
        if kind:
            tree.SubElement(case, kind, message=clean(message.strip().rsplit("\n", 1)[-1])).text = clean(message)

    def addSuccess(self, test):
        super().addSuccess(test)
        self.add(test)

    def addError(self, test, err):
        super().addError(test, err)
        self.add(test, "error", self.errors[-1][1])

    def addFailure(self, test, err):
        super().addFailure(test, err)
        self.add(test, "failure", self.failures[-1][1])

    def addSkip(self, test, reason):
        super().addSkip(test, reason)
        self.add(test, "skipped", reason)

    def addExpectedFailure(self, test, err):
        super().addExpectedFailure(test, err)
        self.add(test)

    def addUnexpectedSuccess(self, test):
        super().addUnexpectedSuccess(test)
        self.add(test, "failure", "The test is marked as an expected failure and succeeded.")

    def addSubTest(self, test, subtest, err):
        super().addSubTest(test, subtest, err)
        if err is not None:
            failed = issubclass(err[0], test.failureException)
            self.add(subtest, "failure" if failed else "error", (self.failures if failed else self.errors)[-1][1])


def clean(text):
    return NOT_XML.sub("?", text)


def run_unittest():
    sys.path.insert(0, os.getcwd())
    loader = unittest.TestLoader()
    suite = unittest.TestSuite()
    # Discovery from the top does not enter a folder that is no package.
    for folder in [f for f in ("tests", "test") if os.path.isdir(f) and not os.path.exists(f + "/__init__.py")]:
        suite.addTests(loader.discover(folder))
    suite.addTests(unittest.TestLoader().discover("."))
    result = unittest.TextTestRunner(resultclass=Results, verbosity=2).run(suite)
    tree.ElementTree(result.suite).write(REPORT, encoding="utf-8", xml_declaration=True)
    return 0 if result.wasSuccessful() else 1


sys.path[0:1] = []
if importlib.util.find_spec("pytest"):
    sys.exit(subprocess.call([sys.executable, "-m", "pytest", "--junitxml=" + REPORT]))
if asks_for_pytest():
    print("The tests need pytest and it is not installed.", file=sys.stderr)
    sys.exit(127)
sys.exit(run_unittest())

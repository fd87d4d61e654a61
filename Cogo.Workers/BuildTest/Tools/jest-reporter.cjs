// A Jest reporter that writes JUnit XML.
const fs = require('node:fs');
const path = require('node:path');

const escape = (text) => String(text ?? '')
  // Colours, and what XML cannot hold.
  .replace(/\u001b\[[0-9;]*m/g, '')
  .replace(/[^\t\n\r\u0020-\ud7ff\ue000-\ufffd]/g, '?')
  .replace(/[&<>"]/g, (c) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' })[c]);

const testcase = (file, name, time, inner) =>
  `<testcase classname="${escape(path.basename(file))}" name="${escape(name)}" file="${escape(file)}" time="${time}">${inner}</testcase>`;

function result(file, test) {
  const inner = test.status === 'failed' ? `<failure>${escape(test.failureMessages.join('\n'))}</failure>`
    : test.status === 'passed' ? ''
    : '<skipped/>';
  return testcase(file, test.fullName, (test.duration ?? 0) / 1000, inner);
}

module.exports = class {
  onRunComplete(_, results) {
    const suites = results.testResults.map((suite) => {
      const cases = suite.testResults.map((test) => result(suite.testFilePath, test));
      // A file that does not even load has no tests.
      if (suite.testExecError) {
        cases.push(testcase(suite.testFilePath, '(file)', 0, `<error>${escape(suite.failureMessage ?? suite.testExecError.message)}</error>`));
      }
      return `<testsuite name="${escape(path.basename(suite.testFilePath))}">${cases.join('')}</testsuite>`;
    });
    fs.writeFileSync(path.join(process.env.COGO_RESULTS, 'jest.xml'), `<testsuites>${suites.join('\n')}</testsuites>\n`);
  }
};

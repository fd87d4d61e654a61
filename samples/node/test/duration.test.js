import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { formatDuration, parseDuration } from '../src/duration.js';

describe('parseDuration', () => {
  it('reads one unit', () => {
    assert.equal(parseDuration('45s'), 45);
    assert.equal(parseDuration('2d'), 172_800);
  });

  it('adds several units up', () => {
    assert.equal(parseDuration('1h30m'), 5_400);
    assert.equal(parseDuration('1d1s'), 86_401);
  });

  it('refuses what is no duration', () => {
    assert.throws(() => parseDuration('soon'), SyntaxError);
    assert.throws(() => parseDuration('10'), SyntaxError);
  });
});

describe('formatDuration', () => {
  it('writes the largest units first', () => {
    assert.equal(formatDuration(5_400), '1h30m');
    assert.equal(formatDuration(0), '0s');
  });
});

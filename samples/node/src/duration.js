const SECONDS = { d: 86_400, h: 3_600, m: 60, s: 1 };

/**
 * Reads durations such as "1h30m" or "2d".
 * @param {string} text
 * @returns {number} seconds
 * @throws {SyntaxError} when the text is no duration
 */
export function parseDuration(text) {
  if (!/^(\d+[dhms])+$/.test(text)) {
    throw new SyntaxError(`not a duration: "${text}"`);
  }
  const [, count, unit] = /(\d+)([dhms])/.exec(text);
  return Number(count) * SECONDS[unit];
}

/**
 * Writes seconds as a duration, the largest units first.
 * @param {number} seconds
 * @returns {string}
 */
export function formatDuration(seconds) {
  let rest = seconds;
  let text = '';
  for (const [unit, size] of Object.entries(SECONDS)) {
    const count = Math.floor(rest / size);
    rest -= count * size;
    if (count > 0) {
      text += `${count}${unit}`;
    }
  }
  return text || '0s';
}

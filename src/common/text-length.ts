/**
 * Whether a text has more characters than that: code points, as `maxLength` of JSON Schema counts
 * them. A character is one or two UTF-16 code units, so most texts need not be counted.
 */
export const isLonger = (text: string, charsMax: number): boolean =>
  text.length > charsMax && (text.length > 2 * charsMax || [...text].length > charsMax);

// `bridge.mjs` for packages that are CommonJS.
export default {
  process: (_text, path) => ({ code: `module.exports = banyanRequire(${JSON.stringify(path)});` }),
};

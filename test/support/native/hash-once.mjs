// The password that nearly everybody in the tests has is hashed once: a hash takes 30 ms of CPU by
// intention, and some thousands of accounts are made. All other passwords, which the tests of
// passwords have, and every look whether a password fits are as ever. Loaded before the sources.
import { createRequire } from 'node:module';

const PASSWORD = 'a password of tests';

const argon2 = createRequire(import.meta.url)('@node-rs/argon2');
const { hash } = argon2;
const made = new Map();

argon2.hash = (password, options) => {
  if (password !== PASSWORD) return hash(password, options);
  const key = JSON.stringify(options);
  if (!made.has(key)) made.set(key, hash(password, options));
  return made.get(key);
};

import { createHash } from 'node:crypto';

/** A Lua script: Redis runs nothing else while it runs, so that all it does happens at once. */
export interface Script {
  text: string;
  /** The name that Redis knows it by once it has seen it. */
  sha1: string;
}

const script = (text: string): Script => ({ text, sha1: createHash('sha1').update(text).digest('hex') });

const NOW = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)`;

/** The id behind which a change comes. One that is not known is no id at all. */
const LAST = `count == 0 and '' or redis.call('HGET', KEYS[2], 'last') or '?'`;

/**
 * KEYS: the messages (list of JSON), what is known of them (hash: the place of each id, \`bytes\`, and the \`last\` id), the account's sessions (sorted set: when each
 * ends).
 * ARGV: message, its id, session, time to live in ms, at most: messages, bytes, sessions; channel and the session's name there; whether to answer the session.
 * Answers full, sessions, or a list: the messages up to this one, or nothing where they were not asked for.
 *
 * A Redis that has no room refuses a script at its first write, and lets it run on behind that: so the first write is the one that needs room.
 */
export const APPEND = script(`${NOW}
local function upTo(place)
  return ARGV[10] == 'whole' and redis.call('LRANGE', KEYS[1], 0, place) or {}
end
local count = redis.call('LLEN', KEYS[1])
local place = count > 0 and redis.call('HGET', KEYS[2], ARGV[2])
if place then return upTo(place) end
local bytes = (count > 0 and tonumber(redis.call('HGET', KEYS[2], 'bytes') or 0) or 0) + #ARGV[1]
if count >= tonumber(ARGV[5]) or bytes > tonumber(ARGV[6]) then return 'full' end
if count == 0 and redis.call('ZCOUNT', KEYS[3], string.format('(%.0f', now), '+inf') >= tonumber(ARGV[7]) then return 'sessions' end
local last = ${LAST}
redis.call('RPUSH', KEYS[1], ARGV[1])
if count == 0 then redis.call('DEL', KEYS[2]) end
redis.call('ZREMRANGEBYSCORE', KEYS[3], '-inf', now)
redis.call('HSET', KEYS[2], ARGV[2], count, 'bytes', bytes, 'last', ARGV[2])
redis.call('PEXPIRE', KEYS[1], ARGV[4])
redis.call('PEXPIRE', KEYS[2], ARGV[4])
redis.call('ZADD', KEYS[3], now + ARGV[4], ARGV[3])
redis.call('PEXPIREAT', KEYS[3], redis.call('ZRANGE', KEYS[3], -1, -1, 'WITHSCORES')[2])
redis.call('PUBLISH', ARGV[8], ARGV[9] .. '\\n{"after":"' .. last .. '","message":' .. ARGV[1] .. '}')
return upTo(count)`);

/** KEYS as above. ARGV: session, channel and its name there. */
export const CLEAR = script(`
local count = redis.call('LLEN', KEYS[1])
local last = ${LAST}
redis.call('DEL', KEYS[1], KEYS[2])
redis.call('ZREM', KEYS[3], ARGV[1])
redis.call('PUBLISH', ARGV[2], ARGV[3] .. '\\n{"after":"' .. last .. '","message":null}')
return 'cleared'`);

/** KEYS: the account's sessions. Answers the names of the living ones, the one written to last first. */
export const LIVING = script(`${NOW}
return redis.call('ZREVRANGEBYSCORE', KEYS[1], '+inf', '(' .. now)`);

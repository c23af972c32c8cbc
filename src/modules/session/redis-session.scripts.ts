import { createHash } from 'node:crypto';

/** A Lua script: Redis runs nothing else while it runs, so that all it does happens at once. */
export interface Script {
  text: string;
  /** The name that Redis knows it by once it has seen it. */
  sha1: string;
}

const script = (text: string): Script => ({
  text,
  sha1: createHash('sha1').update(text).digest('hex'),
});

/** In milliseconds, to the microsecond. */
const NOW = `
local time = redis.call('TIME')
local now = time[1] * 1000 + time[2] / 1000`;

/** The id behind which a change comes. One that is not known is no id at all. */
const LAST = `count == 0 and '' or redis.call('HGET', KEYS[2], 'last') or '?'`;

/**
 * KEYS: the messages (list of JSON), what is known of them (hash: the place of each id, and the
 * `last` id), the account's sessions (sorted set: when each ends) and their bytes (hash: of each by
 * its name, and of all by the empty name). ARGV: message, its id, session, time to live in ms, at
 * most: messages, bytes, sessions, bytes of all; channel and the session's name there; whether to
 * answer the session. Answers full, sessions, room, or a list: the messages up to this one, or
 * nothing where they were not asked for.
 *
 * A Redis that has no room refuses a script at its first write, and lets it run on behind that: so
 * the first write is the one that needs room.
 */
export const APPEND = script(`${NOW}
local function upTo(place)
  return ARGV[11] == 'whole' and redis.call('LRANGE', KEYS[1], 0, place) or {}
end
local count = redis.call('LLEN', KEYS[1])
local place = count > 0 and redis.call('HGET', KEYS[2], ARGV[2])
if place then return upTo(place) end
local before = redis.call('HGET', KEYS[4], ARGV[3]) or 0
local bytes = (count > 0 and before or 0) + #ARGV[1]
if count >= tonumber(ARGV[5]) or bytes > tonumber(ARGV[6]) then return 'full' end
local ended = redis.call('ZRANGEBYSCORE', KEYS[3], '-inf', now)
if count == 0 and redis.call('ZCARD', KEYS[3]) - #ended >= tonumber(ARGV[7]) then return 'sessions' end
local all = (redis.call('HGET', KEYS[4], '') or 0) - before + bytes
for _, name in ipairs(ended) do
  if name ~= ARGV[3] then all = all - (redis.call('HGET', KEYS[4], name) or 0) end
end
if all > tonumber(ARGV[8]) then return 'room' end
local last = ${LAST}
redis.call('RPUSH', KEYS[1], ARGV[1])
if count == 0 then redis.call('DEL', KEYS[2]) end
for _, name in ipairs(ended) do
  redis.call('ZREM', KEYS[3], name)
  redis.call('HDEL', KEYS[4], name)
end
redis.call('HSET', KEYS[2], ARGV[2], count, 'last', ARGV[2])
redis.call('HSET', KEYS[4], ARGV[3], bytes, '', all)
-- The order of the list is that of the ends: two must not be equal, even if the clock stands still.
local ends = now + ARGV[4]
local newest = tonumber(redis.call('ZRANGE', KEYS[3], -1, -1, 'WITHSCORES')[2] or 0)
if newest >= ends and newest < ends + 1000 then ends = newest + 0.001 end
redis.call('ZADD', KEYS[3], ends, ARGV[3])
for n = 1, 2 do redis.call('PEXPIRE', KEYS[n], ARGV[4]) end
for n = 3, 4 do redis.call('PEXPIREAT', KEYS[n], math.ceil(math.max(newest, ends))) end
redis.call('PUBLISH', ARGV[9], ARGV[10] .. '\\n{"after":"' .. last .. '","message":' .. ARGV[1] .. '}')
return upTo(count)`);

/** KEYS as above. ARGV: session, channel and its name there. */
export const CLEAR = script(`
local count = redis.call('LLEN', KEYS[1])
local last = ${LAST}
redis.call('DEL', KEYS[1], KEYS[2])
redis.call('ZREM', KEYS[3], ARGV[1])
local bytes = redis.call('HGET', KEYS[4], ARGV[1])
if bytes then
  redis.call('HDEL', KEYS[4], ARGV[1])
  redis.call('HINCRBY', KEYS[4], '', -bytes)
end
redis.call('PUBLISH', ARGV[2], ARGV[3] .. '\\n{"after":"' .. last .. '","message":null}')
return 'cleared'`);

/**
 * KEYS: the account's sessions. Answers the names of the living ones, the one written to last
 * first.
 */
export const LIVING = script(`${NOW}
return redis.call('ZREVRANGEBYSCORE', KEYS[1], '+inf', string.format('(%.3f', now))`);

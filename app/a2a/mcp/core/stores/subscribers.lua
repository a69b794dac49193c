-- One act on a subscriber of the handshake era. Returns {known, ...}: 0 where it is not known, 2 where it has too much.
-- KEYS: index (of the owner), subscriber.  ARGV: act name value life_ms max_subscribers max_uris prefix
local index, subscriber = KEYS[1], KEYS[2]
local act, name, value, life = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4])
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)

local function heard()
  redis.call('PEXPIRE', subscriber, life)
  redis.call('ZADD', index, now, name)
  redis.call('PEXPIRE', index, life)
end

if act == 'add' then
  redis.call('ZREMRANGEBYSCORE', index, '-inf', now - life)
  while redis.call('ZCARD', index) >= tonumber(ARGV[5]) do
    redis.call('DEL', ARGV[7] .. redis.call('ZPOPMIN', index)[1])
  end
  redis.call('HSET', subscriber, 'stream', '')
  heard()
  return {1}
end

if act == 'remove' then
  redis.call('ZREM', index, name)
  return {redis.call('DEL', subscriber)}
end

local stream = redis.call('HGET', subscriber, 'stream')
if not stream then return {0} end
heard()
if act == 'subscribe' then
  local more = redis.call('HEXISTS', subscriber, '+' .. value) == 0
  if more and redis.call('HLEN', subscriber) > tonumber(ARGV[6]) then return {2} end
  redis.call('HSET', subscriber, '+' .. value, '')
  return {1}
end
if act == 'unsubscribe' then
  redis.call('HDEL', subscriber, '+' .. value)
  return {1}
end
if act == 'take' then
  redis.call('HSET', subscriber, 'stream', value)
  return {1, stream, redis.call('HKEYS', subscriber)}
end
return {1, stream, redis.call('HEXISTS', subscriber, '+' .. value)}

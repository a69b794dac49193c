-- Keep a new session unless its owner has too many. Returns 1 or 0.
-- KEYS: index session · ARGV: digest value expires_ms limit
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
if redis.call('ZCARD', KEYS[1]) >= tonumber(ARGV[4]) then return 0 end
redis.call('SET', KEYS[2], ARGV[2], 'PXAT', ARGV[3])
redis.call('ZADD', KEYS[1], ARGV[3], ARGV[1])
if redis.call('PTTL', KEYS[1]) < ARGV[3] - now then redis.call('PEXPIREAT', KEYS[1], ARGV[3]) end
return 1

-- Replace a session, or with an empty new value remove it, if it still is what the caller read. Returns 1 or 0.
-- KEYS: index session · ARGV: digest old new expires_ms
if redis.call('GET', KEYS[2]) ~= ARGV[2] then return 0 end
if ARGV[3] == '' then
  redis.call('DEL', KEYS[2])
  redis.call('ZREM', KEYS[1], ARGV[1])
  return 1
end
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('SET', KEYS[2], ARGV[3], 'PXAT', ARGV[4])
redis.call('ZADD', KEYS[1], ARGV[4], ARGV[1])
if redis.call('PTTL', KEYS[1]) < ARGV[4] - now then redis.call('PEXPIREAT', KEYS[1], ARGV[4]) end
return 1

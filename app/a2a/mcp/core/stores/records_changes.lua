-- A page of the records changed after a version, each with its present value (nil: deleted).
-- KEYS: meta data log; ARGV: epoch since limit. Returns {status, version, complete, id, value, id, value …}
local epoch = redis.call('HGET', KEYS[1], 'epoch')
if epoch ~= ARGV[1] then return {'resync', 0, 1} end
local since, limit = tonumber(ARGV[2]), tonumber(ARGV[3])
local version = tonumber(redis.call('HGET', KEYS[1], 'version'))
if since < tonumber(redis.call('HGET', KEYS[1], 'floor')) or since > version then return {'resync', 0, 1} end
local found = redis.call('ZRANGEBYSCORE', KEYS[3], '(' .. ARGV[2], '+inf', 'WITHSCORES', 'LIMIT', 0, limit)
local count, complete, reached = #found / 2, 1, version
if count == limit then
  -- The last version of a full page may be there in part: leave it to the next page.
  local last = found[#found]
  while count > 0 and found[2 * count] == last do count = count - 1 end
  complete = 0
  reached = tonumber(found[2 * count])
end
local answer = {'ok', reached, complete}
for i = 1, count do
  local id = found[2 * i - 1]
  answer[#answer + 1] = id
  answer[#answer + 1] = redis.call('HGET', KEYS[2], id)
end
return answer

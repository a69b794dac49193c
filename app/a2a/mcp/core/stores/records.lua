-- One write to a collection: validate everything, then write. Returns {status, ...}.
-- KEYS: usage names meta data log dead
-- ARGV: name epoch expected create replace attributes max_collections max_records tombstones puts deletes,
--       then id value id value …, then deleted ids
local usage, names, meta, data, log, dead = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6]
local name, epoch, expected, attributes = ARGV[1], ARGV[2], ARGV[3], ARGV[6]
local create, replace = ARGV[4] == '1', ARGV[5] == '1'
local put_count, delete_count = tonumber(ARGV[10]), tonumber(ARGV[11])

local exists = redis.call('EXISTS', meta) == 1
if not exists and not create then return {'absent'} end
local version, size = 0, 0
if exists then
  version = tonumber(redis.call('HGET', meta, 'version'))
  size = tonumber(redis.call('HGET', meta, 'size'))
end
if expected ~= '' and tonumber(expected) ~= version then return {'version', version} end
if exists and not replace and attributes ~= '' and redis.call('HGET', meta, 'attributes') ~= attributes then
  return {'attributes'}
end

local fresh = replace or not exists
local inserted, updated, changed, gone = 0, 0, {}, {}
for i = 0, put_count - 1 do
  local id, value = ARGV[12 + 2 * i], ARGV[13 + 2 * i]
  local known = false
  if not fresh then known = redis.call('HGET', data, id) end
  if not known then inserted = inserted + 1 elseif known ~= value then updated = updated + 1 end
  if known ~= value then changed[#changed + 1] = 12 + 2 * i end
end
if not fresh then
  for i = 12 + 2 * put_count, 11 + 2 * put_count + delete_count do
    if redis.call('HEXISTS', data, ARGV[i]) == 1 then gone[#gone + 1] = ARGV[i] end
  end
end
local deleted = #gone
local new_size = size + inserted - deleted
if fresh then
  new_size = inserted
  deleted = size
end

local kept = tonumber(redis.call('HGET', usage, 'records') or '0')
if not exists and put_count > 0 and redis.call('HLEN', names) >= tonumber(ARGV[7]) then
  return {'collections'}
end
if new_size > size and kept - size + new_size > tonumber(ARGV[8]) then return {'records', kept} end

if fresh and exists then
  redis.call('DEL', data, log, dead, meta)
  redis.call('HDEL', names, name)
  version = 0
end
redis.call('HSET', usage, 'records', kept - size + new_size)
if fresh and put_count == 0 then return {'ok', 0, 0, 0, 0, deleted} end
if fresh then
  redis.call('HSET', meta, 'epoch', epoch, 'attributes', attributes, 'floor', 0)
  redis.call('HSET', names, name, epoch)
end
if #changed + #gone > 0 then version = version + 1 end
for _, at in ipairs(changed) do
  redis.call('HSET', data, ARGV[at], ARGV[at + 1])
  redis.call('ZADD', log, version, ARGV[at])
  redis.call('ZREM', dead, ARGV[at])
end
for _, id in ipairs(gone) do
  redis.call('HDEL', data, id)
  redis.call('ZADD', log, version, id)
  redis.call('ZADD', dead, version, id)
end
redis.call('HSET', meta, 'version', version, 'size', new_size)

-- Deleted ids are remembered for readers that follow; the oldest are forgotten, and the floor says so.
local cap = math.max(tonumber(ARGV[9]), new_size)
local remembered = redis.call('ZCARD', dead)
if remembered > cap then
  local old = redis.call('ZRANGE', dead, 0, remembered - math.floor(cap / 2) - 1, 'WITHSCORES')
  for i = 1, #old, 2 do
    redis.call('ZREM', log, old[i])
    redis.call('ZREM', dead, old[i])
  end
  redis.call('HSET', meta, 'floor', old[#old])
end
return {'ok', version, new_size, inserted, updated, deleted}

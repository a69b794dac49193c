-- One write to a live resource: check, write the document, add to the log. Returns {status, version, id, change, first}.
-- KEYS: live due used done (of the namespace), document, log (of the resource)
-- ARGV: uri operation content metadata publisher mime if_version idempotency ttl_ms title description
--       max_events max_resources max_bytes tombstone_ms idempotency_ms list_bytes event_bytes prefix
local live, due, used, done, document, log = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6]
local uri, operation, content, metadata = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local max_events, max_resources, max_bytes = tonumber(ARGV[12]), tonumber(ARGV[13]), tonumber(ARGV[14])
local event_bytes, prefix = tonumber(ARGV[18]), ARGV[19]
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)

local function count(name, bytes) redis.call('HINCRBY', used, name, bytes) redis.call('HINCRBY', used, '', bytes) end

local function add(doc, log_key, name, version, change, body, meta, publisher)
  local id = redis.call('XADD', log_key, '*', 'v', version, 't', change, 'c', body, 'm', meta, 'p', publisher)
  redis.call('HSET', doc, 'version', version, 'event', id)
  count(name, #body + #meta + event_bytes)
  return id
end

local function bury(doc, name)
  count(name, -redis.call('HSTRLEN', doc, 'content'))
  redis.call('HSET', doc, 'live', '0', 'content', '')
  redis.call('ZREM', live, name)
  redis.call('ZADD', due, now + tonumber(ARGV[15]), name)
end

-- What is due: a resource whose time is over becomes a tombstone, a tombstone goes.
for _, name in ipairs(redis.call('ZRANGEBYSCORE', due, '-inf', now, 'LIMIT', 0, 100)) do
  local doc, log_key = prefix .. 'doc:' .. name, prefix .. 'log:' .. name
  if redis.call('HGET', doc, 'live') == '1' then
    local version = tonumber(redis.call('HGET', doc, 'version')) + 1
    bury(doc, name)
    add(doc, log_key, name, version, 'deleted', '', '{}', 'system')
  else
    redis.call('HINCRBY', used, '', -(tonumber(redis.call('HGET', used, name)) or 0))
    redis.call('HDEL', used, name)
    redis.call('ZREM', due, name)
    redis.call('DEL', doc, log_key)
  end
end

if operation == 'purge' then return {'ok', 0, '', '', ''} end
if ARGV[8] ~= '' then
  local first = redis.call('GET', done .. ARGV[8])
  if first then return {'again', 0, '', '', first} end
end

local exists = redis.call('HGET', document, 'live') == '1'
local last = tonumber(redis.call('HGET', document, 'version')) or 0
local version = exists and last or 0
if ARGV[7] ~= '' and tonumber(ARGV[7]) ~= version then return {'version', version} end
if operation == 'delete' and not exists then return {'absent', version} end

local body = content
if operation == 'append' then
  local before = exists and redis.call('HGET', document, 'content') or '[]'
  if string.sub(before, 1, 1) ~= '[' then return {'list', version} end
  if before == '[]' then body = '[' .. content .. ']' else body = string.sub(before, 1, -2) .. ',' .. content .. ']' end
  if #body > tonumber(ARGV[17]) then return {'long', version} end
end
local cost = #content + #metadata + event_bytes
local total, own = tonumber(redis.call('HGET', used, '')) or 0, tonumber(redis.call('HGET', used, uri)) or 0
if operation ~= 'delete' then
  if not exists and redis.call('ZCARD', live) >= max_resources then return {'resources', version} end
  if total - own + #body + cost > max_bytes then return {'bytes', version} end
end

local change = 'updated'
if operation == 'delete' then
  change = 'deleted'
  bury(document, uri)
else
  if not exists then
    change = 'created'
    redis.call('HDEL', document, 'title', 'description')
  end
  count(uri, #body - redis.call('HSTRLEN', document, 'content'))
  redis.call('HSET', document, 'live', '1', 'content', body, 'mime', ARGV[6])
  if ARGV[10] ~= '' then redis.call('HSET', document, 'title', ARGV[10]) end
  if ARGV[11] ~= '' then redis.call('HSET', document, 'description', ARGV[11]) end
  redis.call('ZADD', live, 0, uri)
  if ARGV[9] ~= '' then redis.call('ZADD', due, now + tonumber(ARGV[9]), uri) else redis.call('ZREM', due, uri) end
end
local id = add(document, log, uri, last + 1, change, content, metadata, ARGV[5])

-- Trimmed one by one, so that the count of events and of bytes is exact and the gap can be told.
local kept = redis.call('XLEN', log)
while kept > max_events or (kept > 1 and tonumber(redis.call('HGET', used, '')) > max_bytes) do
  local oldest = redis.call('XRANGE', log, '-', '+', 'COUNT', 1)[1]
  redis.call('XDEL', log, oldest[1])
  redis.call('HSET', document, 'trimmed', oldest[1])
  count(uri, -(#oldest[2][6] + #oldest[2][8] + event_bytes))
  kept = kept - 1
end
if ARGV[8] ~= '' then
  redis.call('SET', done .. ARGV[8], (last + 1) .. ' ' .. id .. ' ' .. change, 'PX', ARGV[16])
end
return {'ok', last + 1, id, change, ''}

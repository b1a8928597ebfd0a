-- enqueue: put a new job on its tenant's list, unless its Idempotency-Key was seen or a bound is reached.
--
-- KEYS  1 job's hash          2 list of its tenant and lane   3 list of the tenant's other lane
--       4 ring                5 depth                         6 recent of its tenant
--       7 clock               8 bell                          9 paused
--       10 Idempotency-Key (only if one was sent)
-- ARGV  1 ref    2 job id    3 tenant    4 bound of unfinished jobs of a tenant    5 bound of all
--       6 bell's ms    7 ms that a job stays listed    8 ms that an Idempotency-Key is remembered
--       9 digest of the body (empty without a key)    10 µs that it must be submitted after (0 unless the tenant moves)
--       11… fields and values of the job's hash
-- Reply {what, job id, submitted_at in µs, 1 to ring the doorbell}
--       what: created | existing | conflict | full. The last three leave the queue as it was.
--
-- A client that lost the reply may send the same call again: it finds its own job and is answered `created`.
-- Refused for want of memory before anything is written: the first write needs memory, so Redis checks there.

local job, list, other, ring, depth, recent, clock = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6], KEYS[7]
local paused = KEYS[9]
local ref, id, tenant = ARGV[1], ARGV[2], ARGV[3]

local function bell()
  return redis.call('SET', KEYS[8], '1', 'NX', 'PX', ARGV[6]) and 1 or 0
end

local function seen(what, found)
  -- WAIT counts the replicas that have this connection's last write, so a repeat must write something to wait for.
  redis.call('SET', clock, redis.call('GET', clock) or '0')
  if what == 'created' then
    return {what, found, redis.call('HGET', job, 'submitted_at') or '0', bell()}
  end
  return {what, found, '0', 0}
end

if redis.call('EXISTS', job) == 1 then
  return seen('created', id)
end
if KEYS[10] then
  local kept = redis.call('GET', KEYS[10])
  if kept then
    local found, body = string.match(kept, '^(%S+) (.*)$')
    return seen(body == ARGV[9] and 'existing' or 'conflict', found)
  end
end

local mine = tonumber(redis.call('ZSCORE', depth, tenant) or 0)
local all = tonumber(redis.call('ZSCORE', depth, '*') or 0)
if mine >= tonumber(ARGV[4]) or all >= tonumber(ARGV[5]) then
  return {'full', id, '0', 0}
end

local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local submitted = math.max(now, tonumber(redis.call('GET', clock) or 0) + 1, tonumber(ARGV[10]) + 1)
local submitted_at = string.format('%.0f', submitted)
redis.call('SET', clock, submitted_at)

redis.call('HSET', job, 'state', 'waiting', 'submitted_at', submitted_at, unpack(ARGV, 11))
local first = redis.call('LLEN', list) == 0 and redis.call('LLEN', other) == 0
if first and redis.call('SISMEMBER', paused, tenant) == 0 then
  redis.call('RPUSH', ring, tenant)
end
redis.call('RPUSH', list, ref)
redis.call('ZINCRBY', depth, 1, tenant)
redis.call('ZINCRBY', depth, 1, '*')
if KEYS[10] then
  redis.call('SET', KEYS[10], id .. ' ' .. ARGV[9], 'PX', ARGV[8])
end

-- A UUIDv7 opens with its milliseconds, so the ids too old to be listed are a lexical range; take a few at a time.
local oldest = math.floor(now / 1000) - tonumber(ARGV[7])
local too_old = string.format('(%08x-%04x', math.floor(oldest / 65536), oldest % 65536)
for _, old in ipairs(redis.call('ZRANGE', recent, '-', too_old, 'BYLEX', 'LIMIT', 0, 8)) do
  redis.call('ZREM', recent, old)
end
redis.call('ZADD', recent, 0, id)
redis.call('PEXPIRE', recent, ARGV[7])

return {'created', id, submitted_at, bell()}

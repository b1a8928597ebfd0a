-- fail: an attempt failed. The job is delayed for its next one, or dead if that was the last; its data is kept.
--
-- KEYS  1 job's hash    2 leases    3 delayed    4 retries    5 depth
--       6 dead          7 dead of its tenant     8 failed of its tenant    9 unburied
-- ARGV  1 ref    2 tenant    3 job id    4 token    5 error (JSON)    6 ms that a failed job is kept
--       7 a random number in [0, 1) for the jitter (Lua's own starts from the same seed in every script)
--       8 longest backoff in ms
-- Reply delayed | failed, also for a repeat of the same call, or lost if this token does not hold the job

local job, leases, delayed, retries, depth = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local dead, dead_of, failed, unburied = KEYS[6], KEYS[7], KEYS[8], KEYS[9]
local ref, tenant, id, kept_ms = ARGV[1], ARGV[2], ARGV[3], ARGV[6]

local held = redis.call('HMGET', job, 'token', 'state', 'max_attempts', 'backoff_ms', 'backoff_type', 'jitter')
if held[1] ~= ARGV[4] then
  return 'lost'
end
if held[2] ~= 'active' then
  return (held[2] == 'delayed' or held[2] == 'failed') and held[2] or 'lost'
end
redis.call('ZREM', leases, ref)
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local attempts = redis.call('HINCRBY', job, 'attempts_made', 1)

if attempts < tonumber(held[3]) then
  local delay = tonumber(held[4])
  if held[5] == 'exponential' then
    delay = delay * 2 ^ (attempts - 1)
  end
  delay = math.min(delay, tonumber(ARGV[8]))
  local jitter = tonumber(held[6])
  delay = math.floor(delay * (1 - jitter) + delay * jitter * tonumber(ARGV[7]))
  redis.call('HSET', job, 'state', 'delayed', 'error', ARGV[5])
  redis.call('ZADD', delayed, string.format('%.0f', now + delay), ref)
  redis.call('HINCRBY', retries, tenant, 1)
  return 'delayed'
end

local finished_at = string.format('%.0f', time[1] * 1000000 + time[2])
redis.call('HSET', job, 'state', 'failed', 'error', ARGV[5], 'finished_at', finished_at)
redis.call('PEXPIRE', job, kept_ms)
for _, whose in ipairs({'*', tenant}) do
  if tonumber(redis.call('ZINCRBY', depth, -1, whose)) <= 0 then
    redis.call('ZREM', depth, whose)
  end
end

-- Note it among the dead, and drop some of those that were forgotten meanwhile.
local forgotten = now - tonumber(kept_ms)
for _, old in ipairs(redis.call('ZRANGE', dead, '-inf', forgotten, 'BYSCORE', 'LIMIT', 0, 100)) do
  redis.call('ZREM', dead, old)
end
for _, old in ipairs(redis.call('ZRANGE', dead_of, '-inf', forgotten, 'BYSCORE', 'LIMIT', 0, 100)) do
  redis.call('ZREM', dead_of, old)
  redis.call('ZREM', failed, old)
end
redis.call('ZADD', dead, now, ref)
redis.call('ZADD', dead_of, now, id)
redis.call('ZADD', failed, 0, id)
redis.call('SADD', unburied, ref)
redis.call('PEXPIRE', dead, kept_ms)
redis.call('PEXPIRE', dead_of, kept_ms)
redis.call('PEXPIRE', failed, kept_ms)
redis.call('PEXPIRE', unburied, kept_ms)
return 'failed'

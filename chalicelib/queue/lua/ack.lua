-- ack: the job is completed. Its data is deleted and its hash expires after the retention.
--
-- KEYS  1 job's hash    2 leases    3 depth
-- ARGV  1 ref    2 tenant    3 token    4 result (JSON)    5 ms that a completed job is kept
-- Reply 1, also for a repeat of the same call, or 0 if this token does not hold the job

local job, leases, depth = KEYS[1], KEYS[2], KEYS[3]
local ref, tenant = ARGV[1], ARGV[2]

local held = redis.call('HMGET', job, 'token', 'state', 'size')
if held[1] ~= ARGV[3] then
  return 0
end
if held[2] ~= 'active' then
  return held[2] == 'completed' and 1 or 0
end
redis.call('ZREM', leases, ref)
local time = redis.call('TIME')
redis.call('HDEL', job, 'data', 'error')
redis.call('HINCRBY', job, 'attempts_made', 1)
redis.call('HSET', job, 'state', 'completed', 'result', ARGV[4], 'processed', held[3],
  'finished_at', string.format('%.0f', time[1] * 1000000 + time[2]))
redis.call('PEXPIRE', job, ARGV[5])
for _, whose in ipairs({'*', tenant}) do
  if tonumber(redis.call('ZINCRBY', depth, -1, whose)) <= 0 then
    redis.call('ZREM', depth, whose)
  end
end
return 1

-- progress: say how many records of a job are done.
--
-- KEYS  1 job's hash
-- ARGV  1 token    2 records processed
-- Reply 1, or 0 if this token does not hold the job

local job = KEYS[1]
if redis.call('HGET', job, 'token') ~= ARGV[1] or redis.call('HGET', job, 'state') ~= 'active' then
  return 0
end
-- HSET is refused when memory is full, unless a script has written already: a full Redis must still be drained.
redis.call('PERSIST', job)
redis.call('HSET', job, 'processed', ARGV[2])
return 1

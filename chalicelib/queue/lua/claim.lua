-- claim: lease the planned jobs that still stand at the head of their lists, then turn the ring.
--
-- KEYS  1 ring    2 leases    3 claims    4 paused
--       then for each tenant: its interactive list, its bulk list
--       then for each planned job: its hash
-- ARGV  1 lease in ms    2 token    3 number of tenants, then the tenants
--       then for each planned job: the number of its list among the lists above (from 1), its ref
--       then the fields that are asked for
-- Reply for each claimed job the values of these fields
--
-- Another consumer may have been here since the plan was made, or the tenant was paused, so a planned job that is not
-- at the head or not to be touched is left alone; unless this very token holds it, which means that the reply of the
-- same call was lost on its way. `processed` stays: an interrupted job goes on where it stood.

local ring, leases, claims, paused = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local lease, token, tenants = tonumber(ARGV[1]), ARGV[2], tonumber(ARGV[3])
local first_job = 4 + 2 * tenants
local fields = 4 + tenants + 2 * (#KEYS - first_job)

local time = redis.call('TIME')
local micros = string.format('%.0f', time[1] * 1000000 + time[2])
local expires = string.format('%.0f', time[1] * 1000 + math.floor(time[2] / 1000) + lease)
local shut = redis.call('SMISMEMBER', paused, '*', unpack(ARGV, 4, 3 + tenants))  -- of all, then of each tenant

local claimed = {}
for i = 1, #KEYS - first_job do
  local job = KEYS[first_job + i]
  local number = tonumber(ARGV[2 + tenants + 2 * i])
  local list = KEYS[4 + number]
  local ref = ARGV[3 + tenants + 2 * i]
  local open = shut[1] == 0 and shut[1 + math.ceil(number / 2)] == 0
  if open and redis.call('LINDEX', list, 0) == ref then
    redis.call('LPOP', list)
    if redis.call('EXISTS', job) == 1 then
      redis.call('HSET', job, 'state', 'active', 'token', token)
      redis.call('HSETNX', job, 'started_at', micros)
      redis.call('ZADD', leases, expires, ref)
      claimed[#claimed + 1] = redis.call('HMGET', job, unpack(ARGV, fields))
    end
  elseif redis.call('HGET', job, 'token') == token and redis.call('HGET', job, 'state') == 'active' then
    claimed[#claimed + 1] = redis.call('HMGET', job, unpack(ARGV, fields))
  end
end

for t = 1, tenants do
  local tenant = ARGV[3 + t]
  redis.call('LREM', ring, 1, tenant)
  local waits = redis.call('LLEN', KEYS[3 + 2 * t]) > 0 or redis.call('LLEN', KEYS[4 + 2 * t]) > 0
  if waits and shut[1 + t] == 0 then
    redis.call('RPUSH', ring, tenant)
  end
end
redis.call('INCR', claims)
return claimed

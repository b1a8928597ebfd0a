-- take: one request off the allowances of a tenant and of one of its users, off both or neither; and, on the way, read
-- fields of the tenant's snapshot.
--
-- KEYS  1 allowance of the tenant    2 allowance of the user    3 the tenant's HASH (only if fields are wanted)
-- ARGV  1 the tenant's requests a minute    2 the user's    3… fields
-- Reply {0, value…} or {µs until this would have been granted, 1 if it is the tenant's allowance that is waited for}
--
-- An allowance is a STRING, the µs at which all of it will be back (GCRA): of N a minute, up to N can be taken at once,
-- and one comes back every 60/N seconds. The key goes when all of it is back. All numbers are whole, so the bound is
-- exact.

local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]

-- When all will be back if one is taken now, and for how long that must wait.
local function one_of(key, a_minute)
  local every = math.floor(60000000 / a_minute)
  local back = math.max(now, tonumber(redis.call('GET', key) or 0)) + every
  return back, back - now - every * a_minute
end

local tenant_back, tenant_wait = one_of(KEYS[1], tonumber(ARGV[1]))
local user_back, user_wait = one_of(KEYS[2], tonumber(ARGV[2]))
local wait = math.max(tenant_wait, user_wait)
if wait > 0 then
  return {wait, tenant_wait >= user_wait and 1 or 0}
end

local function keep(key, back)
  redis.call('SET', key, string.format('%.0f', back), 'PX', math.ceil((back - now) / 1000))
end
keep(KEYS[1], tenant_back)
keep(KEYS[2], user_back)
if not KEYS[3] then
  return {0}
end
local values = redis.call('HMGET', KEYS[3], unpack(ARGV, 3))
table.insert(values, 1, 0)
return values

-- Keep fields of a tenant's snapshot, unless a newer one is there already.
-- KEYS: 1 the tenant's HASH
-- ARGV: 1 revision of what is put, 2 TTL in ms, 3 '1' to drop every other field of an older revision first,
--       4.. field, value, field, value, …
-- Reply: 1 kept, 0 refused: an import or a change of settings has overtaken the reader
local known = tonumber(redis.call('HGET', KEYS[1], 'revision') or '0')
local revision = tonumber(ARGV[1])
if revision < known then
  return 0
end
if revision > known and ARGV[3] == '1' then
  redis.call('DEL', KEYS[1])
end
redis.call('HSET', KEYS[1], 'revision', ARGV[1])
for i = 4, #ARGV, 2 do
  redis.call('HSET', KEYS[1], ARGV[i], ARGV[i + 1])
end
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return 1

-- The part of the library that calls a script's functions: in Lua, so that a call from C never stands between the
-- machine and the script. Gets the tables string and table, and the functions in C that only it uses.
local string, table, scan, expand, sort_plain = ...
local type, error, select, pack, unpack = type, error, select, table.pack, table.unpack
local sub, concat = string.sub, table.concat

-- Merges the sorted runs [low, middle) and [middle, high) of `from` into `to`.
local function merge(from, to, low, middle, high, before)
  local left, right = low, middle
  for i = low, high - 1 do
    if left < middle and (right >= high or not before(from[right], from[left])) then
      to[i] = from[left]
      left = left + 1
    else
      to[i] = from[right]
      right = right + 1
    end
  end
end

function table.sort(list, before)
  if before == nil then return sort_plain(list) end
  if type(list) ~= "table" then error("bad argument #1 to 'sort' (table expected, got " .. type(list) .. ")", 2) end
  if type(before) ~= "function" then
    error("bad argument #2 to 'sort' (function expected, got " .. type(before) .. ")", 2)
  end
  local count = #list
  local from, to = {}, {}
  for i = 1, count do from[i] = list[i] end
  local width = 1
  while width < count do
    for low = 1, count, 2 * width do
      local middle, high = low + width, low + 2 * width
      if middle > count + 1 then middle = count + 1 end
      if high > count + 1 then high = count + 1 end
      merge(from, to, low, middle, high, before)
    end
    from, to = to, from
    width = 2 * width
  end
  for i = 1, count do list[i] = from[i] end
end

-- What stands for a match: m is packed { from, to, captures... }.
local function replacement(text, m, with, kind)
  if kind == "string" then return expand(text, with, unpack(m, 1, m.n)) end
  local value
  if kind == "function" then value = with(unpack(m, 3, m.n)) else value = with[m[3]] end
  if not value then return sub(text, m[1], m[2]) end
  if type(value) ~= "string" and type(value) ~= "number" then
    error("invalid replacement value (a " .. type(value) .. ")", 3)
  end
  return value
end

function string.gsub(text, pattern, with, most)
  if type(text) == "number" then text = text .. "" end
  if type(text) ~= "string" then error("bad argument #1 to 'gsub' (string expected, got " .. type(text) .. ")", 2) end
  local kind = type(with)
  if kind == "number" then
    with, kind = with .. "", "string"
  elseif kind ~= "string" and kind ~= "table" and kind ~= "function" then
    error("bad argument #3 to 'gsub' (string/function/table expected, got " .. kind .. ")", 2)
  end
  -- Pieces are put together a thousand at a time: one table of them all may be too large.
  local done, pieces, count, at, last = {}, {}, 0, 1, 0
  local m
  repeat
    -- A match that ends where the last one did is none.
    m = (most == nil or count < most) and pack(scan(text, pattern, at, last, count == 0))
    if m and m.n ~= 0 then
      pieces[#pieces + 1] = sub(text, at, m[1] - 1)
      pieces[#pieces + 1] = replacement(text, m, with, kind)
      count = count + 1
      at = m[2] + 1
      last = at
      if #pieces >= 1000 then
        done[#done + 1] = concat(pieces)
        pieces = {}
      end
    end
  until not m or m.n == 0
  pieces[#pieces + 1] = sub(text, at)
  return concat(done) .. concat(pieces), count
end

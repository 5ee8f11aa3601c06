-- The health of a Rollout, as its conditions tell it: the verdicts are those of kstatus, so that Flux says the same.
-- Any field may be missing or of another type; what is not known is Progressing, and never Healthy.
local function member(value, key)
  if type(value) == "table" then
    return value[key]
  end
  return nil
end

local status = member(obj, "status")
local generation = member(member(obj, "metadata"), "generation")
local observed = member(status, "observedGeneration")
local conditions = member(status, "conditions")
if type(conditions) ~= "table" then
  conditions = {}
end

if #conditions == 0 then
  return { status = "Progressing", message = "no pass of steerer has seen it yet" }
end
if observed ~= nil and observed ~= generation then
  return { status = "Progressing", message = "its last change was not seen by a pass of steerer yet" }
end

local is_true, message = {}, "its conditions do not say that it is ready"
for _, condition in ipairs(conditions) do
  local kind = member(condition, "type")
  if type(kind) == "string" then
    is_true[kind] = member(condition, "status") == "True"
  end
  local said = member(condition, "message")
  if kind == "Ready" and type(said) == "string" and said ~= "" then
    message = said
  end
end

if is_true.Stalled then
  return { status = "Degraded", message = message }
end
if is_true.Ready and not is_true.Reconciling then
  return { status = "Healthy", message = message }
end
return { status = "Progressing", message = message }

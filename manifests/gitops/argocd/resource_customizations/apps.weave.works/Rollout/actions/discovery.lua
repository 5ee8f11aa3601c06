-- What a person can ask of the revision under way: the same as `steerer abort`, `pause`, `resume` and so on.
-- Any field may be missing or of another type; then an action is listed, and cannot be chosen.
local function member(value, key)
  if type(value) == "table" then
    return value[key]
  end
  return nil
end

local status = member(obj, "status")
local phase = member(status, "phase")
local revision = member(status, "canaryRevision")
local annotations = member(member(obj, "metadata"), "annotations")

-- While it is suspended, nothing that is asked for is done.
local suspended = member(member(obj, "spec"), "suspend") == true
local known = type(revision) == "string" and revision ~= "" and not suspended
local analysed = known and phase == "Progressing"
local under_way = analysed or (known and (phase == "Promoting" or phase == "Finalising" or phase == "RollingBack"))

-- Whether an action is asked for already, for this revision as a whole.
local function asked(action)
  return member(annotations, "apps.weave.works/" .. action) == revision
end

local paused = member(annotations, "apps.weave.works/pause")
local needs_approval = false
local steps = member(member(member(obj, "spec"), "canaryAnalysis"), "steps")
if type(steps) == "table" then
  for _, step in ipairs(steps) do
    needs_approval = needs_approval or member(step, "approval") == true
  end
end

-- A revision that failed, or that a limit holds until somebody says how it goes on.
local ended = known and phase == "Failed"
local conditions = member(status, "conditions")
if analysed and type(conditions) == "table" then
  for _, condition in ipairs(conditions) do
    if member(condition, "type") == "Stalled" and member(condition, "status") == "True" then
      ended = ended or member(condition, "reason") == "Paused"
    end
  end
end

local actions = {}
actions["abort"] = { ["disabled"] = not analysed or asked("abort") }
actions["pause"] = { ["disabled"] = not under_way or asked("pause") or paused == "*" }
actions["resume"] = { ["disabled"] = type(paused) ~= "string" or paused == "" }
actions["promote"] = { ["disabled"] = not analysed or asked("promote") }
actions["approve"] = { ["disabled"] = not analysed or not needs_approval or asked("approve") }
actions["retry"] = { ["disabled"] = not ended }
return actions

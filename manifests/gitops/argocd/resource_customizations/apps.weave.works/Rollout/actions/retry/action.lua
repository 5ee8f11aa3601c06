-- Starts this revision again from weight 0. Each token counts once; an abort that stayed would end it again.
if obj.metadata.annotations == nil then
  obj.metadata.annotations = {}
end
local os = require("os")
obj.metadata.annotations["apps.weave.works/retry"] = obj.status.canaryRevision .. "/" .. os.date("!%Y%m%dT%H%M%SZ")
obj.metadata.annotations["apps.weave.works/abort"] = nil
return obj

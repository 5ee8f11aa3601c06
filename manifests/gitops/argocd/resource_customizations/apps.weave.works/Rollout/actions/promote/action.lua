-- Promotes this revision without further steps and metrics; health still counts.
if obj.metadata.annotations == nil then
  obj.metadata.annotations = {}
end
obj.metadata.annotations["apps.weave.works/promote"] = obj.status.canaryRevision
return obj

-- Lets this revision leave every step that waits for an approval.
if obj.metadata.annotations == nil then
  obj.metadata.annotations = {}
end
obj.metadata.annotations["apps.weave.works/approve"] = obj.status.canaryRevision
return obj

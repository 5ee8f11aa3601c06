-- Takes all traffic off the canary, and ends this revision.
if obj.metadata.annotations == nil then
  obj.metadata.annotations = {}
end
obj.metadata.annotations["apps.weave.works/abort"] = obj.status.canaryRevision
return obj

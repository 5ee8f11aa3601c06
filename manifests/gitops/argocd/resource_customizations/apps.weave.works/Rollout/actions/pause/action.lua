-- Holds the release of this revision where it is.
if obj.metadata.annotations == nil then
  obj.metadata.annotations = {}
end
obj.metadata.annotations["apps.weave.works/pause"] = obj.status.canaryRevision
return obj

-- Lets what is paused go on.
if obj.metadata.annotations == nil then
  obj.metadata.annotations = {}
end
obj.metadata.annotations["apps.weave.works/pause"] = nil
return obj

// Who imports SessionAPI as a library gets the models with it: its operations take and return nothing else, and the split in
// two targets is ours, not the caller's.
@_exported public import SessionModel

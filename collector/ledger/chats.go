package ledger

// maxMoved bounds how many chats with a changed id are known.
const maxMoved = 100_000

// chatMoved notes that a chat has another id now, so that both count as one chat.
func (j *journal) chatMoved(from, to uint64) {
	if from == to || len(j.moved) >= maxMoved {
		return
	}
	if j.moved == nil {
		j.moved = map[uint64]uint64{}
	}
	delete(j.moved, to) // It may have moved back.
	j.moved[from] = to
}

// chat returns the present id of a chat.
func (j *journal) chat(id uint64) uint64 {
	for range 4 { // A chat moves once or twice.
		to, moved := j.moved[id]
		if !moved {
			break
		}
		id = to
	}
	return id
}

// chatsGone forgets the chats with a changed id of which the window has no row.
func (j *journal) chatsGone() {
	if len(j.moved) == 0 {
		return
	}
	inWindow := make(map[uint64]bool, len(j.moved))
	for i := range j.current.values {
		inWindow[j.current.values[i].chat()] = true
	}
	for from := range j.moved {
		if !inWindow[from] {
			delete(j.moved, from)
		}
	}
}

package ledger

import "github.com/greenapi-exporter/greenapi_exporter/client/vocabulary"

// participants is how many participants of a call had each status.
type participants [vocabulary.CallStatusCount]uint16

// Positions of the sets that need no table: none, and one participant of a status.
// The others come after them.
const (
	noParticipants  uint32 = 0
	oneParticipant  uint32 = 1
	firstOfTheTable        = oneParticipant + uint32(vocabulary.CallStatusCount)
)

func newParticipants(statuses []vocabulary.CallStatus) participants {
	var p participants
	for _, s := range statuses {
		p[s]++
	}
	return p
}

// participantSets are the sets of participants of a journal's calls, each once.
// Calls to a person, and most to groups, share theirs, so that a row needs a position
// only, and nothing here has a pointer.
type participantSets struct {
	sets      []participants
	positions map[participants]uint32
	saved     int // How many of them the state file has.
}

// indexed returns sets that were read from a state file.
func (s *participantSets) indexed() participantSets {
	indexed := participantSets{sets: s.sets, saved: len(s.sets)}
	for i, set := range s.sets {
		if indexed.positions == nil {
			indexed.positions = make(map[participants]uint32, len(s.sets))
		}
		indexed.positions[set] = firstOfTheTable + uint32(i)
	}
	return indexed
}

// find returns the position of a set.
func (s *participantSets) find(statuses []vocabulary.CallStatus) (position uint32, set participants, ok bool) {
	switch len(statuses) {
	case 0:
		return noParticipants, participants{}, true
	case 1:
		return oneParticipant + uint32(statuses[0]), newParticipants(statuses), true
	}
	set = newParticipants(statuses)
	position, ok = s.positions[set]
	return position, set, ok
}

// add returns the position of a set, which it adds if need be.
func (s *participantSets) add(set participants) uint32 {
	if position, ok := s.positions[set]; ok {
		return position
	}
	if s.positions == nil {
		s.positions = make(map[participants]uint32)
	}
	position := firstOfTheTable + uint32(len(s.sets))
	s.sets = append(s.sets, set)
	s.positions[set] = position
	return position
}

// at returns the set at a position.
func (s *participantSets) at(position uint32) (set participants) {
	switch {
	case position == noParticipants:
	case position < firstOfTheTable:
		set[position-oneParticipant] = 1
	default:
		set = s.sets[position-firstOfTheTable]
	}
	return set
}

// has reports whether a position is one of a set.
func (s *participantSets) has(position uint32) bool {
	return uint64(position) < uint64(firstOfTheTable)+uint64(len(s.sets))
}

// compact forgets the sets that no row has any more, once most are such, and gives
// the rows the new positions. It reports whether it did.
func (s *participantSets) compact(rows ...[]row) bool {
	n := 0
	for _, some := range rows {
		n += len(some)
	}
	if len(s.sets) <= 2*n+64 {
		return false
	}
	var kept participantSets
	for _, some := range rows {
		for i := range some {
			if some[i].extra >= firstOfTheTable {
				some[i].extra = kept.add(s.at(some[i].extra))
			}
		}
	}
	*s = kept
	return true
}

package vocabulary

// set finds the position of a word of the API. Words are told apart by their length
// first: to compare is quicker than to hash, and takes no memory.
type set struct {
	words    []Word
	byLength [][]match
}

type match struct {
	word     string
	position uint8
}

func newSet(words []Word) *set {
	s := &set{words: words}
	for i, w := range words {
		if !w.Ours {
			s.add(w.Label, i)
		}
		for _, alias := range w.Aliases {
			s.add(alias, i)
		}
	}
	return s
}

func (s *set) add(word string, position int) {
	for len(s.byLength) <= len(word) {
		s.byLength = append(s.byLength, nil)
	}
	s.byLength[len(word)] = append(s.byLength[len(word)], match{word, uint8(position)})
}

// find returns the position of a word of the API, or 0, that of "other", and whether
// it is listed.
func (s *set) find(text []byte) (position uint8, listed bool) {
	if len(text) < len(s.byLength) {
		for _, m := range s.byLength[len(text)] {
			if m.word == string(text) {
				return m.position, true
			}
		}
	}
	return 0, false
}

// labelled returns the position of a label value.
func (s *set) labelled(label string) (position uint8, known bool) {
	for i, w := range s.words {
		if w.Label == label {
			return uint8(i), true
		}
	}
	return 0, false
}

package ledger

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// What tests need of the inside: a file system that can be torn, the keys, and
// the state file's format.

type (
	FileSystem = fileSystem
	File       = file
)

const (
	HeaderSize  = headerSize
	Version     = version
	MaxFile     = maxFile
	FailureBits = failureBits
)

// NewDirOn returns a folder on another file system. It is not locked.
func NewDirOn(fs FileSystem, path string) *Dir { return newDir(path, fs, nil) }

// MakeFolder makes a folder as OpenDir does.
func MakeFolder(fs FileSystem, path string) error { return makeFolder(fs, path) }

// OSFileSystem is the real one.
func OSFileSystem() FileSystem { return osFS{} }

// KeyOfCall returns the identifier of the nth call of a chat with these values.
func (l *Ledger) KeyOfCall(c Call, n uint32) uint64 {
	h := hasher{hashKey: l.key}
	return h.repeated(h.call(&c), n)
}

// KeyOfMessage returns the identifier of a message.
func (l *Ledger) KeyOfMessage(id []byte) uint64 {
	h := hasher{hashKey: l.key}
	return h.message(id)
}

// Frame appends a frame to a file that has so many.
func Frame(file []byte, position uint32, payload []byte) []byte {
	return appendFrame(file, position, payload)
}

// Header returns that of a file.
func Header() []byte { return appendHeader(nil, hashKey{1, 2}) }

// StateFile returns what a snapshot of the ledger would hold.
func (l *Ledger) StateFile() []byte {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.appendSnapshot(nil)
}

// Meaning is everything that a state file says.
type Meaning struct {
	Owner                 string
	Key                   [2]uint64
	Calls, Messages       string
	Totals                *Totals
	CallRows, MessageRows int // In the window,
	CallPast, MessagePast int // and beyond it, what version 1 remembered included.
	Size, Snapshot        int
	Frames                int
}

// Decode reads a state file. It returns its meaning and the file that says the
// same in a snapshot alone.
func Decode(data []byte) (*Meaning, []byte, error) {
	s, err := decode(data)
	if err != nil {
		return nil, nil, err
	}
	m := &Meaning{
		Owner:    s.owner,
		Key:      [2]uint64{s.key.k0, s.key.k1},
		Calls:    s.calls.meaning(),
		Messages: s.messages.meaning(),
		Totals:   s.totals,
		CallRows: len(s.calls.current.ids), MessageRows: len(s.messages.current.ids),
		CallPast:    len(s.calls.past.ids) + len(s.calls.legacy.ids),
		MessagePast: len(s.messages.past.ids) + len(s.messages.legacy.ids),
		Size:        s.size,
		Snapshot:    s.snapshotSize,
		Frames:      int(s.frames),
	}
	return m, s.appendFile(nil), nil
}

// DecodeFrames reads a state file. It returns how many of its records are whole, and
// where the last of them ends.
func DecodeFrames(data []byte) (frames, size int, err error) {
	s, err := decode(data)
	if err != nil {
		return 0, 0, err
	}
	return int(s.frames), s.size, nil
}

// meaning says all of a journal, whatever the order of rows that share an identifier.
func (s *journalState) meaning() string {
	lines := []string{fmt.Sprintf("%+v", s.meta)}
	for i, r := range s.current.values {
		lines = append(lines, fmt.Sprintf("row %x %+v", s.current.ids[i], r))
	}
	for _, r := range s.loose {
		lines = append(lines, fmt.Sprintf("loose %+v", r))
	}
	for i, was := range s.past.values {
		lines = append(lines, fmt.Sprintf("past %x %x", s.past.ids[i], was))
	}
	for i, was := range s.legacy.values {
		lines = append(lines, fmt.Sprintf("legacy %x %x", s.legacy.ids[i], was))
	}
	lines = append(lines, fmt.Sprint(s.sets.sets))
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

// V1Frame appends a frame to a file of version 1 that has so many.
func V1Frame(file []byte, position uint32, payload []byte) []byte {
	file = binary.LittleEndian.AppendUint32(file, uint32(len(payload)))
	file = binary.LittleEndian.AppendUint32(file, v1Checksum(uint32(len(payload)), position))
	return binary.LittleEndian.AppendUint32(append(file, payload...), checksum(payload))
}

// V1Header returns that of a file of version 1.
func V1Header() []byte {
	b := binary.LittleEndian.AppendUint32([]byte(magic), 1)
	b = append(b, make([]byte, 16)...)
	return binary.LittleEndian.AppendUint32(b, checksum(b))
}

// IsDamaged reports whether err says that a file is not a good state file.
func IsDamaged(err error) bool { return errors.Is(err, errDamaged) }

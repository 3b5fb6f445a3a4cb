package ledger

import (
	"crypto/rand"
	"encoding/binary"

	"github.com/dchest/siphash"
)

// hashKey is the secret that turns identifiers into keys. Keyed hashing keeps
// anyone who chooses idMessage from aiming at another row's key; the entropy of
// idMessage, hashed along with it, keeps anyone who has the file from finding
// out a chatId by trial.
type hashKey struct{ k0, k1 uint64 }

func newHashKey() hashKey {
	var b [16]byte
	_, _ = rand.Read(b[:]) // It never fails: it ends the program instead.
	return hashKey{binary.LittleEndian.Uint64(b[:8]), binary.LittleEndian.Uint64(b[8:])}
}

// hasher makes keys. It is not safe for concurrent use: it keeps its buffer.
type hasher struct {
	hashKey
	buf []byte
}

// message returns the identifier of a message. It is unique only within a chat.
func (h *hasher) message(id []byte) uint64 {
	return h.hash(appendText(h.buf[:0], id))
}

// call returns the identifier of the first call in its chat that has these values.
func (h *hasher) call(c *Call) uint64 {
	b := appendText(h.buf[:0], c.ID)
	b = binary.LittleEndian.AppendUint64(b, uint64(c.Time))
	return h.hash(appendText(b, c.Status.Label()))
}

// chat returns the hash of a chat id.
func (h *hasher) chat(chatID []byte) uint64 {
	return h.hash(appendText(append(h.buf[:0], "chat"...), chatID))
}

// legacyMessage returns the key of a message in a state file of version 1.
func (h *hasher) legacyMessage(chatID, id []byte) uint64 {
	return h.hash(appendText(appendText(h.buf[:0], chatID), id))
}

// legacyCall is legacyMessage for a call.
func (h *hasher) legacyCall(c *Call) uint64 {
	b := appendText(appendText(h.buf[:0], c.ChatID), c.ID)
	b = binary.LittleEndian.AppendUint64(b, uint64(c.Time))
	return h.hash(appendText(b, c.Status.Label()))
}

func (h *hasher) hash(b []byte) uint64 {
	h.buf = b
	return siphash.Hash(h.k0, h.k1, b)
}

// repeated returns the identifier of the nth call of a journal that has the values
// which key was made of.
func (h *hasher) repeated(key uint64, n uint32) uint64 {
	if n == 1 {
		return key
	}
	h.buf = binary.LittleEndian.AppendUint64(h.buf[:0], key)
	h.buf = binary.LittleEndian.AppendUint32(h.buf, n)
	return siphash.Hash(h.k0, h.k1, h.buf)
}

// appendText appends a text behind its length, so that no two lists of texts look the same.
func appendText[T string | []byte](b []byte, text T) []byte {
	b = binary.AppendUvarint(b, uint64(len(text)))
	return append(b, text...)
}

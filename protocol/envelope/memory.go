package envelope

import (
	"crypto/sha256"
	"encoding/binary"

	"github.com/loa-vn/loa/protocol"
)

// Memory holds the digests of approvals' signatures that were found good, each with
// all that was looked at: the key, the statement, for a passkey its site. The same
// bytes give the same answer, so they are not checked again: not for another airing of
// what was approved, and not after a list changed. Who may sign what is asked anew
// each time. The zero value remembers nothing; it is not safe for concurrent use.
type Memory struct {
	good map[[sha256.Size]byte]bool
	most int
}

// NewMemory returns a memory of at most so many signatures; a full one is emptied.
func NewMemory(most int) *Memory {
	return &Memory{good: map[[sha256.Size]byte]bool{}, most: most}
}

// once runs check unless it has succeeded on the same parts before.
func (m *Memory) once(check func() error, parts ...[]byte) error {
	if m == nil || m.most == 0 {
		return check()
	}
	h := sha256.New()
	for _, p := range parts {
		h.Write(binary.BigEndian.AppendUint64(nil, uint64(len(p)))) // so that no two lists of parts are one
		h.Write(p)
	}
	sum := [sha256.Size]byte(h.Sum(nil))
	if m.good[sum] {
		return nil
	}
	if err := check(); err != nil {
		return err
	}
	if len(m.good) >= m.most {
		clear(m.good)
	}
	m.good[sum] = true
	return nil
}

// Remember has the chain use a memory, which may have served another chain.
func (c *Chain) Remember(m *Memory) { c.memory = m }

// signed checks a person's signature of a statement, and returns their key.
func (c *Chain) signed(signature, statement []byte) (protocol.Key, error) {
	id, err := SignedBy(signature)
	if err != nil {
		return Check(KindApproval, signature, statement, c.known) // which names what is wrong
	}
	key, _ := c.known(id)
	err = c.memory.once(func() error {
		_, err := Check(KindApproval, signature, statement, c.known)
		return err
	}, key.Public, signature, statement)
	if err != nil {
		return protocol.Key{}, err
	}
	return key, nil
}

// assert is Assert for a statement.
func (c *Chain) assert(a protocol.Assertion, key protocol.Key, site protocol.Site, statement []byte) error {
	parts := [][]byte{key.Public, statement, a.AuthenticatorData, a.ClientData, a.Signature, []byte(site.ID)}
	for _, o := range site.Origins {
		parts = append(parts, []byte(o))
	}
	return c.memory.once(func() error { return Assert(a, key, site, Challenge(statement)) }, parts...)
}

package envelope_test

import (
	"bytes"
	"crypto/ed25519"
	"encoding/binary"
	"errors"
	"flag"
	"math/big"
	"path/filepath"
	"slices"
	"testing"

	"github.com/loa-vn/loa/protocol"
	"github.com/loa-vn/loa/protocol/envelope"
	"github.com/loa-vn/loa/protocol/protocoltest"
)

const vectorDir = "../../testdata/protocol/vectors"

func updating() bool { return flag.Lookup("update").Value.String() == "true" }

func TestMain(m *testing.M) {
	flag.Bool("update", false, "add new signed examples to testdata/protocol/vectors; those that are there never change")
	m.Run()
}

// craft assembles an envelope from its parts by RFC 9052 alone, without the code
// under test: what is signed is ["Signature1", protected, external_aad, payload].
type craft struct {
	prefix      []byte // up to the protected headers
	protected   []byte // the headers' map
	unprotected []byte
	payload     []byte
	carried     []byte // the payload's item in the envelope
	aad         string
	key         ed25519.PrivateKey
	mangle      func(signature []byte) []byte
	suffix      []byte
}

func crafted(name string, payload []byte) craft {
	key := protocoltest.PrivateKey(name)
	public := protocol.Key{Kind: protocol.KeyEd25519, Public: key.Public().(ed25519.PublicKey)}
	return craft{
		prefix: []byte{0xd2, 0x84}, protected: append([]byte{0xa2, 1, 0x27, 4, 0x50}, public.ID()...), unprotected: []byte{0xa0},
		payload: payload, carried: bstr(payload), aad: "loa/1/plan", key: key,
		mangle: func(s []byte) []byte { return s },
	}
}

func (c craft) bytes() []byte {
	signed := slices.Concat([]byte{0x84, 0x6a}, []byte("Signature1"), bstr(c.protected), bstr([]byte(c.aad)), bstr(c.payload))
	return slices.Concat(c.prefix, bstr(c.protected), c.unprotected, c.carried, bstr(c.mangle(ed25519.Sign(c.key, signed))), c.suffix)
}

func bstr(b []byte) []byte {
	switch n := len(b); {
	case n < 24:
		return append([]byte{0x40 | byte(n)}, b...)
	case n < 256:
		return append([]byte{0x58, byte(n)}, b...)
	default:
		return append(binary.BigEndian.AppendUint16([]byte{0x59}, uint16(n)), b...)
	}
}

// envelopes makes the examples of single envelopes.
func envelopes() []protocoltest.Envelope {
	payload := []byte("what was signed")
	var vs []protocoltest.Envelope
	add := func(name, expect string, change func(*craft, *protocoltest.Envelope)) {
		c := crafted("hub", payload)
		v := protocoltest.Envelope{
			Name: name + "/v1", For: string(envelope.KindPlan), Limit: protocol.MaxControl, Payload: payload, Expect: expect,
			Keys: []protocoltest.Hex{protocoltest.Hex(c.key.Public().(ed25519.PublicKey))},
		}
		change(&c, &v)
		v.Hex = c.bytes()
		vs = append(vs, v)
	}
	detach := func(c *craft, v *protocoltest.Envelope) { c.carried, v.Detached = []byte{0xf6}, true }
	header := func(hexes ...[]byte) func(*craft, *protocoltest.Envelope) {
		return func(c *craft, _ *protocoltest.Envelope) { c.protected = slices.Concat(hexes...) }
	}
	id := crafted("hub", nil).protected[5:]

	for _, k := range []envelope.Kind{
		envelope.KindDelegation, envelope.KindApprovers, envelope.KindPlacement, envelope.KindPopulations,
		envelope.KindApproval, envelope.KindPlan, envelope.KindAlert, envelope.KindCommand, envelope.KindAck,
		envelope.KindTime, envelope.KindReceipt,
	} {
		add("open "+string(k), "ok", func(c *craft, v *protocoltest.Envelope) { c.aad, v.For = "loa/1/"+string(k), string(k) })
	}
	add("detached", "ok", func(c *craft, v *protocoltest.Envelope) { detach(c, v) })
	add("payload of 300 bytes", "ok", func(c *craft, v *protocoltest.Envelope) {
		c.payload = bytes.Repeat([]byte("x"), 300)
		c.carried, v.Payload = bstr(c.payload), c.payload
	})
	add("second of two known keys", "ok", func(c *craft, v *protocoltest.Envelope) {
		v.Keys = append([]protocoltest.Hex{protocoltest.Hex(protocoltest.PrivateKey("root").Public().(ed25519.PublicKey))}, v.Keys...)
	})

	add("signed for another kind", "bad-signature", func(c *craft, _ *protocoltest.Envelope) { c.aad = "loa/1/alert" })
	add("signed for another version", "bad-signature", func(c *craft, _ *protocoltest.Envelope) { c.aad = "loa/2/plan" })
	add("signed for nothing", "bad-signature", func(c *craft, _ *protocoltest.Envelope) { c.aad = "" })
	add("payload swapped", "bad-signature", func(c *craft, _ *protocoltest.Envelope) { c.carried = bstr([]byte("what was swapped")) })
	add("detached, payload swapped", "bad-signature", func(c *craft, v *protocoltest.Envelope) {
		detach(c, v)
		v.Payload = []byte("what was swapped")
	})
	add("signature with a bit changed", "bad-signature", func(c *craft, _ *protocoltest.Envelope) {
		c.mangle = func(s []byte) []byte { s[5] ^= 1; return s }
	})
	add("signature of zeros", "bad-signature", func(c *craft, _ *protocoltest.Envelope) {
		c.mangle = func(s []byte) []byte { return make([]byte, len(s)) }
	})
	add("signature with s over the order", "bad-signature", func(c *craft, _ *protocoltest.Envelope) { c.mangle = addOrder })
	add("signature of 63 bytes", "bad-signature", func(c *craft, _ *protocoltest.Envelope) {
		c.mangle = func(s []byte) []byte { return s[:63] }
	})
	add("signature by another key under this id", "bad-signature", func(c *craft, _ *protocoltest.Envelope) {
		c.key = protocoltest.PrivateKey("stranger")
	})
	add("stranger", "stranger", func(_ *craft, v *protocoltest.Envelope) {
		v.Keys = []protocoltest.Hex{protocoltest.Hex(protocoltest.PrivateKey("root").Public().(ed25519.PublicKey))}
	})
	add("nobody known", "stranger", func(_ *craft, v *protocoltest.Envelope) { v.Keys = []protocoltest.Hex{} })

	add("detached where the payload belongs", "malformed", func(c *craft, _ *protocoltest.Envelope) { c.carried = []byte{0xf6} })
	add("payload where a detached one belongs", "malformed", func(_ *craft, v *protocoltest.Envelope) { v.Detached = true })
	add("empty payload", "malformed", func(c *craft, _ *protocoltest.Envelope) { c.payload, c.carried = nil, []byte{0x40} })
	add("empty payload where a detached one belongs", "malformed", func(c *craft, v *protocoltest.Envelope) {
		detach(c, v)
		c.carried = []byte{0x40}
	})
	add("payload longer than shortest", "malformed", func(c *craft, _ *protocoltest.Envelope) {
		c.carried = append([]byte{0x58, byte(len(c.payload))}, c.payload...)
	})
	add("payload of indefinite length", "malformed", func(c *craft, _ *protocoltest.Envelope) {
		c.carried = slices.Concat([]byte{0x5f}, bstr(c.payload), []byte{0xff})
	})
	add("payload a text", "malformed", func(c *craft, _ *protocoltest.Envelope) { c.carried[0] ^= 0x20 })
	add("payload of 2^64-1 bytes claimed", "malformed", func(c *craft, _ *protocoltest.Envelope) {
		c.carried = append([]byte{0x5b}, bytes.Repeat([]byte{0xff}, 8)...)
	})
	add("unprotected header", "malformed", func(c *craft, _ *protocoltest.Envelope) { c.unprotected = []byte{0xa1, 0x18, 0x63, 0} })
	add("key id in the unprotected headers", "malformed", func(c *craft, _ *protocoltest.Envelope) {
		c.protected, c.unprotected = []byte{0xa1, 1, 0x27}, append([]byte{0xa1, 4, 0x50}, id...)
	})
	add("other algorithm", "malformed", header([]byte{0xa2, 1, 0x26, 4, 0x50}, id))
	add("no algorithm", "malformed", header([]byte{0xa1, 4, 0x50}, id))
	add("no key id", "malformed", header([]byte{0xa1, 1, 0x27}))
	add("no headers", "malformed", header())
	add("key id of 15 bytes", "malformed", header([]byte{0xa2, 1, 0x27, 4, 0x4f}, id[:15]))
	add("another protected header", "malformed", header([]byte{0xa3, 1, 0x27, 3, 0, 4, 0x50}, id))
	add("protected headers out of order", "malformed", header([]byte{0xa2, 4, 0x50}, id, []byte{1, 0x27}))
	add("protected headers longer than shortest", "malformed", header([]byte{0xb8, 2, 1, 0x27, 4, 0x50}, id))
	add("critical header", "malformed", header([]byte{0xa3, 1, 0x27, 2, 0x81, 3, 4, 0x50}, id))
	add("without its tag", "malformed", func(c *craft, _ *protocoltest.Envelope) { c.prefix = []byte{0x84} })
	add("another tag", "malformed", func(c *craft, _ *protocoltest.Envelope) { c.prefix = []byte{0xd1, 0x84} })
	add("array of 5", "malformed", func(c *craft, _ *protocoltest.Envelope) { c.prefix, c.suffix = []byte{0xd2, 0x85}, []byte{0} })
	add("array of indefinite length", "malformed", func(c *craft, _ *protocoltest.Envelope) {
		c.prefix, c.suffix = []byte{0xd2, 0x9f}, []byte{0xff}
	})
	add("a byte too many", "malformed", func(c *craft, _ *protocoltest.Envelope) { c.suffix = []byte{0} })
	add("empty signature", "malformed", func(c *craft, _ *protocoltest.Envelope) {
		c.mangle = func([]byte) []byte { return nil }
	})
	add("over the limit", "too-large", func(_ *craft, v *protocoltest.Envelope) { v.Pad = protocol.MaxControl })
	return vs
}

// addOrder turns a signature into another one of the same message that a lax
// verifier takes: the order of the group is added to s (RFC 8032 section 5.1.7).
func addOrder(sig []byte) []byte {
	order, _ := new(big.Int).SetString("7237005577332262213973186563042994240857116359379907606001950938285454250989", 10)
	s := slices.Clone(sig[32:])
	slices.Reverse(s)
	sum := new(big.Int).Add(new(big.Int).SetBytes(s), order).FillBytes(make([]byte, 32))
	slices.Reverse(sum)
	return append(slices.Clone(sig[:32]), sum...)
}

// Every envelope ends as its example says. Signed examples never change.
func TestEnvelopes(t *testing.T) {
	file := filepath.Join(vectorDir, "envelope.json")
	made := envelopes()
	merged := protocoltest.Merge(t, file, made, func(v protocoltest.Envelope) string { return v.Name })
	if updating() {
		protocoltest.Save(t, file, merged)
	}
	held := protocoltest.Load[protocoltest.Envelope](t, file)
	if len(held) != len(merged) {
		t.Errorf("%s lacks %d examples, see -update", file, len(merged)-len(held))
	}
	for _, v := range held {
		if got := protocoltest.KindOf(open(v)); got != v.Expect {
			t.Errorf("%s: %s, want %s (%v)", v.Name, got, v.Expect, open(v))
		}
	}
}

// open opens or checks an example, and compares the payload.
func open(v protocoltest.Envelope) error {
	keys := known(v.Keys)
	if v.Detached {
		_, err := envelope.Check(envelope.Kind(v.For), v.Bytes(), v.Payload, keys)
		return err
	}
	payload, _, err := envelope.Open(envelope.Kind(v.For), v.Bytes(), v.Limit, keys)
	if err == nil && !bytes.Equal(payload, v.Payload) {
		return errors.New("opened, with another payload")
	}
	return err
}

func known(publics []protocoltest.Hex) envelope.Keys {
	return func(id protocol.KeyID) (protocol.Key, bool) {
		for _, p := range publics {
			if k := (protocol.Key{Kind: protocol.KeyEd25519, Public: p}); k.ID() == id {
				return k, true
			}
		}
		return protocol.Key{}, false
	}
}

// What Seal and Sign write is what RFC 9052 says, byte for byte.
func TestSealIsCOSE(t *testing.T) {
	payload := []byte("what was signed")
	s := protocoltest.Signer(t, "hub")
	c := crafted("hub", payload)
	if got, err := s.Seal(envelope.KindPlan, payload); err != nil || !bytes.Equal(got, c.bytes()) {
		t.Errorf("sealed %x, want %x (%v)", got, c.bytes(), err)
	}
	c.carried = []byte{0xf6}
	if got, err := s.Sign(envelope.KindPlan, payload); err != nil || !bytes.Equal(got, c.bytes()) {
		t.Errorf("signed %x, want %x (%v)", got, c.bytes(), err)
	}
	if id, err := envelope.SignedBy(c.bytes()); err != nil || id != s.Key().ID() {
		t.Errorf("signed by %x, %v", id, err)
	}
}

// A passkey's key signs no envelope.
func TestPasskeyOpensNoEnvelope(t *testing.T) {
	c := crafted("hub", []byte("payload"))
	passkey := protocol.Key{Kind: protocol.KeyPasskey, Public: c.key.Public().(ed25519.PublicKey)}
	copy(c.protected[5:], passkey.ID())
	_, _, err := envelope.Open(envelope.KindPlan, c.bytes(), protocol.MaxControl, envelope.One(passkey))
	if !errors.Is(err, envelope.ErrNotPermitted) {
		t.Errorf("opened by a passkey: %v", err)
	}
}

// Whatever opens has one form, so no two byte strings are one signed document
// with one signature.
func FuzzOpen(f *testing.F) {
	for _, v := range protocoltest.Load[protocoltest.Envelope](f, filepath.Join(vectorDir, "envelope.json")) {
		f.Add([]byte(v.Hex), []byte(v.Payload))
	}
	key := protocoltest.Signer(f, "hub")
	f.Fuzz(func(t *testing.T, b, payload []byte) {
		if got, _, err := envelope.Open(envelope.KindPlan, b, protocol.MaxControl, envelope.One(key.Key())); err == nil {
			again, err := key.Seal(envelope.KindPlan, got)
			if err != nil || !bytes.Equal(again, b) {
				t.Fatalf("%x opens, its one form is %x (%v)", b, again, err)
			}
		} else {
			refusal(t, err)
		}
		if _, err := envelope.Check(envelope.KindPlan, b, payload, envelope.One(key.Key())); err == nil {
			again, err := key.Sign(envelope.KindPlan, payload)
			if err != nil || !bytes.Equal(again, b) {
				t.Fatalf("%x checks, its one form is %x (%v)", b, again, err)
			}
		} else {
			refusal(t, err)
		}
		held(t, len(b)+len(payload), func() {
			_, _, _ = envelope.Open(envelope.KindPlan, b, protocol.MaxControl, envelope.One(key.Key()))
		})
		if id, err := envelope.SignedBy(b); err == nil && len(id) != 16 {
			t.Fatalf("key id of %d bytes", len(id))
		}
	})
}

// held holds the memory of what reads n bytes.
func held(t *testing.T, n int, read func()) {
	t.Helper()
	protocoltest.HoldMemory(t, t.Name(), n, read)
}

func refusal(t *testing.T, err error) {
	t.Helper()
	switch word := protocoltest.KindOf(err); word {
	case "malformed", "too-large", "stranger", "bad-signature":
	default:
		t.Fatalf("refused as %s", word)
	}
}

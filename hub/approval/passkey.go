package approval

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/loa-vn/loa/hub/account"
	"github.com/loa-vn/loa/hub/problem"
	"github.com/loa-vn/loa/hub/registry"
	"github.com/loa-vn/loa/protocol"
	"github.com/loa-vn/loa/protocol/envelope"
)

// Question is what a passkey is asked to sign for a request.
type Question struct {
	Challenge   [32]byte // envelope.Challenge of the statement
	Host        string
	Credentials [][]byte // of the actor's passkeys that count
}

// Given is the answer of a browser (WebAuthn's AuthenticatorAssertionResponse).
type Given struct {
	Credential        []byte
	AuthenticatorData []byte
	ClientData        []byte
	Signature         []byte
}

// alertRest is what an alert holds besides bulletin and approval, at most.
const alertRest = 1100

// Demanded says whether only passkeys may approve a request.
func (s *Service) Demanded(ctx context.Context, r Request) (bool, error) { return s.demanded(ctx, r) }

func (s *Service) demanded(ctx context.Context, r Request) (bool, error) {
	tree, err := s.registry.Tree(ctx)
	if err != nil {
		return false, err
	}
	for _, u := range r.Statement.Units {
		path := tree.Path(u)
		chain, err := s.registry.Chain(ctx, path)
		if err != nil {
			return false, err
		}
		if chain.DemandsPasskey(r.Statement.Class, path, u) {
			return true, nil
		}
	}
	return false, nil
}

// Question returns what the actor's passkey must sign. It refuses what Approve
// refuses, and where a device there does not know passkeys.
func (s *Service) Question(ctx context.Context, a account.Actor, digest protocol.Digest) (Question, error) {
	r, err := s.signable(ctx, a, digest)
	if err != nil {
		return Question{}, err
	}
	if err := s.features(ctx, r, protocol.FeaturePasskey); err != nil {
		return Question{}, err
	}
	keys, err := s.keys.Passkeys(ctx, a.Person)
	if err != nil {
		return Question{}, err
	}
	tree, err := s.registry.Tree(ctx)
	if err != nil {
		return Question{}, err
	}
	path := tree.Path(r.Statement.Units[0])
	chain, err := s.registry.Chain(ctx, path)
	if err != nil {
		return Question{}, err
	}
	q := Question{Challenge: envelope.Challenge(r.Bytes), Credentials: [][]byte{}}
	for _, k := range keys {
		if site, ok := chain.SiteOf(k.Key.ID(), path); ok && k.Counts() {
			q.Host, q.Credentials = site.ID, append(q.Credentials, k.ID)
		}
	}
	if len(q.Credentials) == 0 {
		return Question{}, problem.New(problem.ErrConflict, "no-passkey", "", "Anh/chị chưa có khoá trên điện thoại được xác nhận cho nơi phát này. Hãy đăng ký, rồi nhờ quản trị viên xác nhận.",
			"You have no passkey that is confirmed for those units. Register one and ask an administrator to confirm it.")
	}
	return q, nil
}

// ApprovePasskey takes the actor's assertion on a request. With the last needed
// signature it goes on air as wished.
func (s *Service) ApprovePasskey(ctx context.Context, a account.Actor, digest protocol.Digest, g Given) (Request, error) {
	r, err := s.signable(ctx, a, digest)
	if err != nil {
		return Request{}, err
	}
	if err := s.features(ctx, r, protocol.FeaturePasskey); err != nil {
		return Request{}, err
	}
	keys, err := s.keys.Passkeys(ctx, a.Person)
	if err != nil {
		return Request{}, err
	}
	at := slices.IndexFunc(keys, func(k account.Passkey) bool { return k.Counts() && bytes.Equal(k.ID, g.Credential) })
	if at < 0 {
		return Request{}, problem.New(problem.ErrForbidden, "no-passkey", "credential_id", "Đây không phải khoá đã xác nhận của anh/chị. Hãy chọn đúng khoá.", "This is no confirmed passkey of yours. Choose the right one.")
	}
	one := protocol.Assertion{Key: []byte(keys[at].Key.ID()), AuthenticatorData: g.AuthenticatorData, ClientData: g.ClientData, Signature: g.Signature}
	sig, err := protocol.Marshal(one)
	if err != nil {
		return Request{}, problem.New(problem.ErrInvalid, "bad-assertion", "assertion", "Thiết bị trả lời không đúng; hãy thử lại.", "The authenticator's answer is not right; try again.").Because(err)
	}
	if err := s.asserted(ctx, r, one, keys[at].Key); err != nil {
		return Request{}, err
	}
	err = s.believed(ctx, r, func(c *envelope.Chain, path []protocol.UnitID, u protocol.UnitID) error {
		return c.CheckAssertion(r.Bytes, one, path, u, a.Person, s.now())
	})
	if err != nil {
		return Request{}, err
	}
	added := Signature{Person: a.Person, Kind: protocol.KeyPasskey, Bytes: sig, At: s.now()}
	if err := fitsAlert(r, added); err != nil {
		return Request{}, err
	}
	if r, err = s.signed(ctx, digest, added); err != nil {
		return r, err
	}
	if err := s.keys.Used(ctx, keys[at], binary.BigEndian.Uint32(g.AuthenticatorData[33:37])); err != nil {
		return r, fmt.Errorf("approve: %w", err)
	}
	return r, nil
}

// asserted refuses what is no assertion of that passkey on that request.
func (s *Service) asserted(ctx context.Context, r Request, one protocol.Assertion, key protocol.Key) error {
	tree, err := s.registry.Tree(ctx)
	if err != nil {
		return err
	}
	path := tree.Path(r.Statement.Units[0])
	chain, err := s.registry.Chain(ctx, path)
	if err != nil {
		return err
	}
	site, _ := chain.SiteOf(key.ID(), path)
	if err := envelope.Assert(one, key, site, envelope.Challenge(r.Bytes)); err != nil {
		return problem.New(problem.ErrForbidden, "assertion-refused", "assertion", "Chữ ký của khoá không khớp với bản tin này, hoặc chưa xác minh vân tay. Hãy mở lại bản tin và duyệt lại.",
			"The passkey's signature is not for this bulletin, or its user was not verified. Open the bulletin again and approve it.").Because(err)
	}
	return nil
}

// fitsAlert refuses a passkey's assertion that would make an emergency too long
// for one alert: it is longer than the signature of a key that the hub holds.
func fitsAlert(r Request, added Signature) error {
	if r.Statement.Class != protocol.ClassEmergency {
		return nil
	}
	missing := max(0, r.Needed-len(r.Signatures)-1) * len(added.Bytes)
	r.Signatures = append(slices.Clone(r.Signatures), added)
	approval, err := r.Approval()
	if err != nil {
		return err
	}
	if len(r.Bulletin.Bytes)+len(approval)+missing+alertRest > protocol.MaxAlert {
		return problem.New(problem.ErrInvalid, "emergency-too-long", "text", "Bản tin khẩn cấp quá dài để duyệt bằng khoá trên điện thoại. Hãy rút gọn chữ, hoặc duyệt bằng mật khẩu.",
			"The emergency is too long to be approved by a passkey. Shorten its text, or approve with your password.")
	}
	return nil
}

// features refuses a request if a device that was heard lacks a feature which
// its approval would need; the refusal names the first such device.
func (s *Service) features(ctx context.Context, r Request, feature string) error {
	devices, err := s.registry.Devices(ctx)
	if err != nil {
		return err
	}
	states, err := s.registry.States(ctx)
	if err != nil {
		return err
	}
	for _, d := range registry.Targets(devices, r.Statement.Units) {
		st, heard := states[d.ID]
		if heard && len(st.Heartbeat.Features) > 0 && !slices.Contains(st.Heartbeat.Features, feature) {
			return problem.New(problem.ErrConflict, "device-lacks-feature", "", "Thiết bị “"+d.Name+"” chưa hiểu khoá trên điện thoại. Hãy cập nhật thiết bị, hoặc duyệt bằng mật khẩu.",
				"The device “"+d.Name+"” does not know passkeys. Update it, or approve with your password.")
		}
	}
	return nil
}

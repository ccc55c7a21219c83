// Package approval puts bulletins before the people who may let them on air and
// collects their signatures. It decides what they sign (Derive), who may sign,
// and when there are enough: one, or two different ones for an emergency, and
// never the author. It cannot be switched off. It never airs anything itself.
package approval

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/loa-vn/loa/hub/account"
	"github.com/loa-vn/loa/hub/bulletin"
	"github.com/loa-vn/loa/hub/problem"
	"github.com/loa-vn/loa/hub/registry"
	"github.com/loa-vn/loa/protocol"
	"github.com/loa-vn/loa/protocol/envelope"
	"github.com/loa-vn/loa/protocol/page"
)

// Signature is one person's.
type Signature struct {
	Person protocol.PersonID
	Kind   protocol.KeyKind
	Bytes  []byte // a detached signature, or an encoded protocol.Assertion
	At     time.Time
}

// Request is a statement before its approvers.
type Request struct {
	Digest     protocol.Digest // of Bytes
	Bytes      []byte          // the encoded statement, as it is signed
	Statement  protocol.Statement
	Bulletin   bulletin.Bulletin
	Needed     int
	Signatures []Signature
	Created    time.Time
	Approved   time.Time // zero before
	Returned   time.Time // zero if not
	Aired      time.Time // when its wish became an airing; zero before
}

// Open says whether the request still waits for a signature.
func (r Request) Open() bool { return r.Approved.IsZero() && r.Returned.IsZero() }

// Approval returns the encoded protocol.Approval.
func (r Request) Approval() ([]byte, error) {
	a := protocol.Approval{Statement: r.Bytes, Signatures: [][]byte{}}
	for _, s := range r.Signatures {
		if s.Kind != protocol.KeyPasskey {
			a.Signatures = append(a.Signatures, s.Bytes)
			continue
		}
		one, err := protocol.Unmarshal[protocol.Assertion](s.Bytes, protocol.MaxControl)
		if err != nil {
			return nil, err
		}
		a.Assertions = append(a.Assertions, one)
	}
	return protocol.Marshal(a)
}

// Store keeps requests. Each method is one transaction.
type Store interface {
	// Submit freezes a bulletin that has not changed since was and opens a request
	// for it. problem.ErrConflict if it has changed.
	Submit(ctx context.Context, b bulletin.Bulletin, was time.Time, r Request) error
	Request(ctx context.Context, digest protocol.Digest) (Request, error)
	// Requests lists those that wait in any of units, oldest first.
	Requests(ctx context.Context, units []protocol.UnitID) ([]Request, error)
	// Sign adds a signature to an open request; with the last needed one the
	// bulletin is approved. problem.ErrConflict if the request is not open or the
	// person has signed.
	Sign(ctx context.Context, digest protocol.Digest, s Signature) (Request, error)
	// Return closes an open request and notes why on the bulletin.
	Return(ctx context.Context, digest protocol.Digest, reason string, at time.Time) error
	// Unaired lists approved requests whose wish is no airing yet.
	Unaired(ctx context.Context) ([]protocol.Digest, error)
}

// Bulletins finds bulletins that an actor may read.
type Bulletins interface {
	Get(ctx context.Context, a account.Actor, id protocol.BulletinID) (bulletin.Bulletin, error)
	// Picture returns what a bulletin shows beside its text; nil for none.
	Picture(b bulletin.Bulletin) (*page.Picture, error)
}

// Registry tells units and devices.
type Registry interface {
	Tree(ctx context.Context) (registry.Tree, error)
	Devices(ctx context.Context) ([]registry.Device, error)
	// States returns what was last heard of devices.
	States(ctx context.Context) (map[protocol.DeviceID]registry.State, error)
	// Chain returns the trust documents as a device in a unit would hold them.
	Chain(ctx context.Context, path []protocol.UnitID) (*envelope.Chain, error)
}

// Keys are people's keys.
type Keys interface {
	// Signer opens a person's key with their password, for one signature.
	Signer(ctx context.Context, person protocol.PersonID, password string) (*envelope.Signer, error)
	// Passkeys returns a person's passkeys, also those that do not count.
	Passkeys(ctx context.Context, person protocol.PersonID) ([]account.Passkey, error)
	// Used notes the counter of a passkey that has signed.
	Used(ctx context.Context, k account.Passkey, counter uint32) error
}

// Airer puts an approved request on air. It may be told of one twice.
type Airer interface {
	Air(ctx context.Context, digest protocol.Digest) error
}

// maxEmergency is how many bytes an emergency's bulletin and statement may have
// together, so that both fit into one alert with two signatures and the airing.
const maxEmergency = protocol.MaxAlert - 1300

// Service is what the hub does with approvals.
type Service struct {
	store     Store
	bulletins Bulletins
	registry  Registry
	keys      Keys
	airer     Airer
	zone      *time.Location
	now       func() time.Time
}

// New returns a service; zone is the hub's, now its clock.
func New(store Store, bulletins Bulletins, reg Registry, keys Keys, airer Airer, zone *time.Location, now func() time.Time) *Service {
	return &Service{store: store, bulletins: bulletins, registry: reg, keys: keys, airer: airer, zone: zone, now: now}
}

// Submit freezes a bulletin with the airing wished for and opens a request. It
// refuses what no device could do, and what the bulletin's state does not allow.
func (s *Service) Submit(ctx context.Context, a account.Actor, id protocol.BulletinID, w bulletin.Wish) (Request, error) {
	b, err := s.bulletins.Get(ctx, a, id)
	if err != nil {
		return Request{}, err
	}
	if b.State != bulletin.Ready {
		return Request{}, notReady(b.State)
	}
	tree, err := s.registry.Tree(ctx)
	if err != nil {
		return Request{}, err
	}
	now := s.now()
	if err := s.mayTarget(a, account.Write, b, w, tree, now); err != nil {
		return Request{}, err
	}
	all, err := s.registry.Devices(ctx)
	if err != nil {
		return Request{}, err
	}
	devices := registry.Targets(all, w.Units)
	if err := fits(b, devices); err != nil {
		return Request{}, err
	}
	if b.Relay != nil {
		if err := s.relays(ctx, devices); err != nil {
			return Request{}, err
		}
	}
	if err := s.shows(ctx, b, devices); err != nil {
		return Request{}, err
	}
	sender, _ := tree.Unit(b.Unit)
	shown := bulletin.Shown{Drill: w.Drill, Sender: senderName(sender), At: now.In(s.zone)}
	if shown.Picture, err = s.bulletins.Picture(b); err != nil {
		return Request{}, err
	}
	states, err := s.registry.States(ctx)
	if err != nil {
		return Request{}, err
	}
	shown.Version = registry.Layout(devices, states)
	frozen, err := bulletin.Freeze(b, shown, registry.Sizes(devices, states, b.Class, b.BoardZone))
	if err != nil {
		return Request{}, err
	}
	was := b.Changed
	if b.Bytes, err = protocol.Marshal(frozen); err != nil {
		return Request{}, fmt.Errorf("submit %s: %w", id, err)
	}
	b.Digest = protocol.DigestOf(b.Bytes)
	st, err := Derive(b, b.Digest, w, s.zone, now)
	if err != nil {
		return Request{}, err
	}
	r := Request{Statement: st, Needed: 1, Created: now}
	if b.Class == protocol.ClassEmergency {
		r.Needed = 2
	}
	if r.Bytes, err = protocol.Marshal(st); err != nil {
		return Request{}, fmt.Errorf("submit %s: %w", id, err)
	}
	if b.Class == protocol.ClassEmergency && len(b.Bytes)+len(r.Bytes) > maxEmergency {
		return Request{}, problem.New(problem.ErrInvalid, "emergency-too-long", "text", "Bản tin khẩn cấp quá dài để gửi ngay một lần. Hãy rút gọn chữ.", "The emergency is too long to be sent at once. Shorten its text.")
	}
	r.Digest = protocol.DigestOf(r.Bytes)
	b.State, b.Wish, b.Changed, b.Submitted, b.Problem = bulletin.Submitted, &w, now, now, ""
	r.Bulletin = b
	if err := s.store.Submit(ctx, b, was, r); err != nil {
		if errors.Is(err, problem.ErrConflict) {
			return Request{}, problem.New(problem.ErrConflict, "changed-meanwhile", "", "Bản tin vừa được sửa. Hãy nghe lại rồi gửi.", "The bulletin has just been changed. Listen again, then submit it.").Because(err)
		}
		return Request{}, fmt.Errorf("submit %s: %w", id, err)
	}
	return r, nil
}

func notReady(state bulletin.State) error {
	vi, en := "Bản tin đã gửi rồi. Muốn đổi, hãy sửa để tạo bản mới.", "The bulletin has been submitted. To change it, edit it: that makes a new revision."
	switch state {
	case bulletin.Preparing:
		vi, en = "Tiếng của bản tin đang được tạo. Hãy chờ xong rồi nghe thử và gửi.", "The bulletin's sound is being made. Wait for it, listen, then submit."
	case bulletin.Failed:
		vi, en = "Tiếng của bản tin bị lỗi. Hãy sửa hoặc thử lại trước khi gửi.", "The bulletin's sound failed. Mend it or try again before you submit."
	}
	return problem.New(problem.ErrConflict, "not-ready", "", vi, en)
}

// mayTarget refuses units that are unknown, no longer valid or not the actor's.
func (s *Service) mayTarget(a account.Actor, act account.Act, b bulletin.Bulletin, w bulletin.Wish, tree registry.Tree, now time.Time) error {
	today := protocol.DateOf(now.In(s.zone))
	for _, id := range append(slices.Clone(w.Units), b.Unit) {
		u, ok := tree.Unit(id)
		if !ok || !a.May(act, tree.Path(id)) {
			return problem.New(problem.ErrInvalid, "unit", "wish.units", "Có nơi phát không thuộc quyền của anh/chị. Hãy chọn lại.", "One of the units is not yours to air in. Choose again.")
		}
		if !u.Valid(today) {
			return problem.New(problem.ErrInvalid, "unit-invalid", "wish.units", "Đơn vị “"+u.Name+"” không còn hiệu lực. Hãy chọn đơn vị thay thế.", "The unit “"+u.Name+"” is no longer valid. Choose its successor.")
		}
	}
	return nil
}

// fits refuses a bulletin that no device there can play or show.
func fits(b bulletin.Bulletin, devices []registry.Device) error {
	for _, d := range devices {
		if ((b.Rendition != nil || b.Relay != nil) && d.Has(protocol.MediumSound)) || (b.Board != "" && d.Has(protocol.MediumBoard)) {
			return nil
		}
	}
	return problem.New(problem.ErrInvalid, "no-device", "wish.units", "Ở nơi đã chọn không có loa hay bảng nào dùng được bản tin này. Hãy chọn nơi khác.", "No device there can play or show this bulletin. Choose other units.")
}

// relays refuses a relay for devices that say they cannot play one.
func (s *Service) relays(ctx context.Context, devices []registry.Device) error {
	states, err := s.registry.States(ctx)
	if err != nil {
		return err
	}
	for _, d := range devices {
		st, ok := states[d.ID]
		if ok && d.Sound && len(st.Heartbeat.Features) > 0 && !slices.Contains(st.Heartbeat.Features, protocol.FeatureRelay) {
			return problem.New(problem.ErrInvalid, "no-relay", "wish.units", "Loa “"+d.Name+"” chưa tiếp sóng được. Hãy cập nhật phần mềm của loa hoặc chọn nơi khác.",
				"The loudspeaker “"+d.Name+"” cannot play relays yet. Update its software or choose other units.")
		}
	}
	return nil
}

// shows refuses a layout for boards that say they cannot show it, and names them:
// at submission, and again when it is approved, for devices may have come since.
func (s *Service) shows(ctx context.Context, b bulletin.Bulletin, devices []registry.Device) error {
	feature := bulletin.Feature(b)
	if b.Board == "" || feature == "" {
		return nil
	}
	states, err := s.registry.States(ctx)
	if err != nil {
		return err
	}
	var lack []string
	for _, d := range devices {
		st, heard := states[d.ID]
		if d.Board != nil && heard && len(st.Heartbeat.Features) > 0 && !slices.Contains(st.Heartbeat.Features, feature) {
			lack = append(lack, "“"+d.Name+"”")
		}
	}
	if len(lack) == 0 {
		return nil
	}
	names := strings.Join(lack[:min(len(lack), maxNames)], ", ")
	if rest := len(lack) - maxNames; rest > 0 {
		names += fmt.Sprintf(" (+%d)", rest)
	}
	return problem.New(problem.ErrConflict, "board-lacks-layout", "layout", "Các bảng sau chưa hiện được kiểu trình bày này: "+names+". Hãy cập nhật phần mềm của bảng, hoặc chọn kiểu thông báo thường.",
		"These boards cannot show this layout yet: "+names+". Update their software, or choose the plain notice.")
}

// maxNames is how many devices a refusal names.
const maxNames = 10

// shownBy is shows for a request that is to be signed.
func (s *Service) shownBy(ctx context.Context, r Request) error {
	all, err := s.registry.Devices(ctx)
	if err != nil {
		return err
	}
	return s.shows(ctx, r.Bulletin, registry.Targets(all, r.Statement.Units))
}

// Sender returns how a unit's bulletins are signed on boards.
func (s *Service) Sender(ctx context.Context, unit protocol.UnitID) (string, error) {
	tree, err := s.registry.Tree(ctx)
	if err != nil {
		return "", err
	}
	u, _ := tree.Unit(unit)
	return senderName(u), nil
}

// senderName is how a board names who speaks.
func senderName(u registry.Unit) string {
	if u.Kind == registry.Commune || u.Kind == registry.Province {
		return "UBND " + lowerFirst(u.Name)
	}
	return u.Name
}

// lowerFirst makes "Xã Bình An" "xã Bình An", as it stands after another word.
func lowerFirst(name string) string {
	for _, p := range [][2]string{{"Xã ", "xã "}, {"Phường ", "phường "}, {"Tỉnh ", "tỉnh "}, {"Đặc khu ", "đặc khu "}, {"Thành phố ", "thành phố "}} {
		if len(name) > len(p[0]) && name[:len(p[0])] == p[0] {
			return p[1] + name[len(p[0]):]
		}
	}
	return name
}

// Pending lists the requests that wait for this actor's signature or others' in
// the units where the actor may read, oldest first.
func (s *Service) Pending(ctx context.Context, a account.Actor) ([]Request, error) {
	tree, err := s.registry.Tree(ctx)
	if err != nil {
		return nil, err
	}
	var units []protocol.UnitID
	for _, u := range a.Units(account.Read) {
		units = append(units, tree.Below(u)...)
	}
	return s.store.Requests(ctx, units)
}

// Get returns a request that the actor may read.
func (s *Service) Get(ctx context.Context, a account.Actor, digest protocol.Digest) (Request, error) {
	r, err := s.store.Request(ctx, digest)
	if errors.Is(err, problem.ErrNotFound) {
		return Request{}, missing()
	}
	if err != nil {
		return Request{}, fmt.Errorf("request: %w", err)
	}
	tree, err := s.registry.Tree(ctx)
	if err != nil {
		return Request{}, err
	}
	if !a.May(account.Read, tree.Path(r.Bulletin.Unit)) {
		return Request{}, missing()
	}
	return r, nil
}

func missing() error {
	return problem.New(problem.ErrNotFound, "no-approval", "", "Không có yêu cầu duyệt này. Hãy mở lại danh sách.", "There is no such request. Open the list again.")
}

// Approve signs a request with the actor's own key, which the hub holds. With
// the last needed signature it goes on air as wished.
func (s *Service) Approve(ctx context.Context, a account.Actor, digest protocol.Digest, password string) (Request, error) {
	r, err := s.signable(ctx, a, digest)
	if err != nil {
		return Request{}, err
	}
	demanded, err := s.demanded(ctx, r)
	if err != nil {
		return Request{}, err
	}
	if demanded {
		return Request{}, problem.New(problem.ErrForbidden, "passkey-demanded", "", "Nơi phát này chỉ nhận duyệt bằng khoá trên điện thoại cho loại bản tin này. Hãy duyệt bằng vân tay.",
			"These units take approvals of this class by passkeys only. Approve with your passkey.")
	}
	signer, err := s.keys.Signer(ctx, a.Person, password)
	if err != nil {
		return Request{}, err
	}
	sig, err := signer.Sign(envelope.KindApproval, r.Bytes)
	if err != nil {
		return Request{}, fmt.Errorf("approve: %w", err)
	}
	err = s.believed(ctx, r, func(c *envelope.Chain, path []protocol.UnitID, u protocol.UnitID) error {
		return c.CheckSignature(r.Bytes, sig, path, u, a.Person, s.now())
	})
	if err != nil {
		return Request{}, err
	}
	return s.signed(ctx, digest, Signature{Person: a.Person, Kind: protocol.KeyEd25519, Bytes: sig, At: s.now()})
}

// signed stores a signature, and airs with the last needed one.
func (s *Service) signed(ctx context.Context, digest protocol.Digest, sig Signature) (Request, error) {
	r, err := s.store.Sign(ctx, digest, sig)
	if errors.Is(err, problem.ErrConflict) {
		return Request{}, closed().Because(err)
	}
	if err != nil {
		return Request{}, fmt.Errorf("approve: %w", err)
	}
	if r.Approved.IsZero() {
		return r, nil
	}
	if err := s.airer.Air(ctx, digest); err != nil {
		return r, fmt.Errorf("air what was approved: %w", err)
	}
	return r, nil
}

// signable returns an open request that the actor may sign.
func (s *Service) signable(ctx context.Context, a account.Actor, digest protocol.Digest) (Request, error) {
	r, err := s.openFor(ctx, a, digest, false)
	if err != nil {
		return Request{}, err
	}
	if r.Bulletin.Author == a.Person {
		return Request{}, problem.New(problem.ErrForbidden, "self-approval", "", "Không ai được tự duyệt bản tin của mình. Hãy nhờ người khác duyệt.", "Nobody approves their own bulletin. Ask somebody else.")
	}
	if slices.ContainsFunc(r.Signatures, func(sig Signature) bool { return sig.Person == a.Person }) {
		return Request{}, problem.New(problem.ErrConflict, "signed-already", "", "Anh/chị đã ký rồi. Cần thêm một người khác ký.", "You have signed already. A second person has to sign.")
	}
	return r, s.shownBy(ctx, r)
}

// openFor returns an open request that the actor may approve in all its units: by
// role, or by a dated right as somebody's deputy on a list. Devices judge such a right
// by the statement's instant; back says that the right of now is enough, to send
// something back.
func (s *Service) openFor(ctx context.Context, a account.Actor, digest protocol.Digest, back bool) (Request, error) {
	r, err := s.Get(ctx, a, digest)
	if err != nil {
		return Request{}, err
	}
	tree, err := s.registry.Tree(ctx)
	if err != nil {
		return Request{}, err
	}
	for _, u := range r.Statement.Units {
		path := tree.Path(u)
		if a.May(account.Approve, path) {
			continue
		}
		chain, err := s.registry.Chain(ctx, path)
		if err != nil {
			return Request{}, err
		}
		now := r.Statement
		now.At = protocol.InstantOf(s.now())
		stands := chain.MayApprove(a.Person, now, path, u, s.now())
		switch {
		case stands && back, chain.MayApprove(a.Person, r.Statement, path, u, s.now()):
		case stands:
			return Request{}, problem.New(problem.ErrForbidden, "before-right", "", "Bản tin này được gửi duyệt trước khi anh/chị được giao quyền. Hãy trả lại để người soạn gửi lại.",
				"This was submitted before your right began. Return it, so that its author submits it again.")
		default:
			return Request{}, problem.New(problem.ErrForbidden, "not-approver", "", "Tài khoản này không có quyền duyệt cho nơi phát đó. Hãy để người duyệt của nơi đó ký.", "This account may not approve for those units. Have an approver of theirs sign.")
		}
	}
	if !r.Open() {
		return Request{}, closed()
	}
	return r, nil
}

func closed() *problem.Problem {
	return problem.New(problem.ErrConflict, "not-open", "", "Yêu cầu này đã duyệt xong, đã trả lại, hoặc bản tin đã được sửa. Hãy mở lại danh sách.", "This request has been approved or returned, or the bulletin was edited. Open the list again.")
}

// believed checks a signature as the devices will, so that nothing is collected
// that they would refuse.
func (s *Service) believed(ctx context.Context, r Request, check func(c *envelope.Chain, path []protocol.UnitID, u protocol.UnitID) error) error {
	tree, err := s.registry.Tree(ctx)
	if err != nil {
		return err
	}
	for _, u := range r.Statement.Units {
		path := tree.Path(u)
		chain, err := s.registry.Chain(ctx, path)
		if err != nil {
			return err
		}
		if err := check(chain, path, u); err != nil {
			return problem.New(problem.ErrForbidden, "not-on-list", "", "Khoá của anh/chị chưa có trong danh sách người duyệt còn hạn của nơi phát. Hãy nhờ quản trị viên ký lại danh sách.", "Your key is not on a valid list of approvers of those units. Ask the administrator to sign the list again.").Because(err)
		}
	}
	return nil
}

// Return sends a bulletin back to its author with a reason.
func (s *Service) Return(ctx context.Context, a account.Actor, digest protocol.Digest, reason string) error {
	if _, err := s.openFor(ctx, a, digest, true); err != nil {
		return err
	}
	if reason == "" || len(reason) > 2000 {
		return problem.New(problem.ErrInvalid, "reason", "reason", "Hãy ghi lý do trả lại, để người soạn biết sửa gì.", "Write the reason, so that the author knows what to mend.")
	}
	if err := s.store.Return(ctx, digest, reason, s.now()); err != nil {
		if errors.Is(err, problem.ErrConflict) {
			return closed().Because(err)
		}
		return fmt.Errorf("return: %w", err)
	}
	return nil
}

// AirRest airs what was approved before a crash and is not on air yet.
func (s *Service) AirRest(ctx context.Context) error {
	digests, err := s.store.Unaired(ctx)
	if err != nil {
		return fmt.Errorf("air the rest: %w", err)
	}
	var errs []error
	for _, d := range digests {
		errs = append(errs, s.airer.Air(ctx, d))
	}
	return errors.Join(errs...)
}

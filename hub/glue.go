package hub

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/loa-vn/loa/hub/account"
	"github.com/loa-vn/loa/hub/audit"
	"github.com/loa-vn/loa/hub/blob"
	"github.com/loa-vn/loa/hub/bulletin"
	"github.com/loa-vn/loa/hub/dispatch"
	"github.com/loa-vn/loa/hub/ledger"
	"github.com/loa-vn/loa/hub/plan"
	"github.com/loa-vn/loa/hub/problem"
	"github.com/loa-vn/loa/hub/registry"
	"github.com/loa-vn/loa/hub/relay"
	"github.com/loa-vn/loa/hub/studio/normalise"
	"github.com/loa-vn/loa/hub/studio/transcode"
	"github.com/loa-vn/loa/protocol"
	"github.com/loa-vn/loa/protocol/envelope"
)

// documents keeps encoded documents as blobs, so that they travel as content.
type documents struct{ blobs *blob.Dir }

// Document stores b and describes it for the wire.
func (d documents) Document(b []byte) (protocol.Content, error) {
	c := protocol.ContentOf(b)
	if _, err := d.blobs.Path(c.Digest); err == nil {
		return c, nil
	}
	_, _, err := d.blobs.Put(bytes.NewReader(b), protocol.MaxContent)
	return c, err
}

// trust is the registry with its trust documents as content and as a chain.
type trust struct {
	*registry.Service
	roots protocol.Roots // as init made them
	docs  documents
}

// Lists implements plan.Trust.
func (t trust) Lists(ctx context.Context, unit protocol.UnitID) ([]protocol.Content, error) {
	tree, err := t.Tree(ctx)
	if err != nil {
		return nil, err
	}
	return t.lists(ctx, tree.Path(unit))
}

func (t trust) lists(ctx context.Context, path []protocol.UnitID) ([]protocol.Content, error) {
	docs, err := t.TrustFor(ctx, path)
	if err != nil {
		return nil, err
	}
	out := make([]protocol.Content, 0, len(docs))
	for _, d := range docs {
		c, err := t.docs.Document(d.Bytes)
		if err != nil {
			return nil, err
		}
		out = append(out, c)
	}
	return out, nil
}

// Chain implements approval.Registry: what a device with this path believes.
func (t trust) Chain(ctx context.Context, path []protocol.UnitID) (*envelope.Chain, error) {
	docs, err := t.TrustFor(ctx, path)
	if err != nil {
		return nil, err
	}
	chain := envelope.NewChainOf(t.roots)
	for _, d := range docs {
		if d.Kind == envelope.KindRoots {
			if _, err := chain.AddRoots(d.Bytes); err != nil {
				return nil, fmt.Errorf("roots: %w", err)
			}
		}
	}
	for _, d := range docs {
		if d.Kind == envelope.KindDelegation {
			// An older delegation of the same units is superseded, one of former roots
			// counts no more; neither is wrong.
			_, err := chain.AddDelegation(d.Bytes)
			if err != nil && !errors.Is(err, envelope.ErrOlder) && !errors.Is(err, envelope.ErrNotPermitted) && !errors.Is(err, envelope.ErrStranger) {
				return nil, fmt.Errorf("delegation: %w", err)
			}
		}
	}
	for _, d := range docs {
		if d.Kind == envelope.KindApprovers {
			// A list by a registrar whose key was replaced counts no more, and is not wrong.
			if _, err := chain.AddApprovers(d.Bytes, path); err != nil && !errors.Is(err, envelope.ErrNotPermitted) && !errors.Is(err, envelope.ErrStranger) {
				return nil, fmt.Errorf("approvers of %s: %w", d.Subject, err)
			}
		}
	}
	return chain, nil
}

// Placement implements dispatch.Registry.
func (t trust) Placement(ctx context.Context, id protocol.DeviceID) ([]byte, []protocol.Content, error) {
	d, err := t.Device(ctx, id)
	if err != nil {
		return nil, nil, err
	}
	signed, err := t.SignedPlacement(ctx, id)
	if err != nil {
		return nil, nil, err
	}
	lists, err := t.lists(ctx, d.Placement.Units())
	return signed.Bytes, lists, err
}

// places is the registry for the API: what changes plans publishes them.
type places struct {
	*registry.Service
	publisher *plan.Publisher
	cut       func(protocol.DeviceID)
}

// Revoke implements api.Registry: the device is cut off at once.
func (p places) Revoke(ctx context.Context, id protocol.DeviceID, by protocol.PersonID) error {
	if err := p.Service.Revoke(ctx, id, by); err != nil {
		return err
	}
	p.cut(id)
	return nil
}

// cut ends both connections of a device.
func cut(b interface{ Disconnect(clientID string) }) func(protocol.DeviceID) {
	return func(id protocol.DeviceID) {
		for _, bulk := range []bool{false, true} {
			b.Disconnect(protocol.Client{Device: id, Bulk: bulk}.String())
		}
	}
}

// SetQuiet implements api.Registry.
func (p places) SetQuiet(ctx context.Context, unit protocol.UnitID, quiet []protocol.Quiet, by protocol.PersonID) error {
	if err := p.Service.SetQuiet(ctx, unit, quiet, by); err != nil {
		return err
	}
	return p.publisher.Publish(ctx, []protocol.UnitID{unit})
}

// SetLimits implements api.Registry.
func (p places) SetLimits(ctx context.Context, unit protocol.UnitID, of protocol.Capped, limits []protocol.Limit, by protocol.PersonID) error {
	if err := p.Service.SetLimits(ctx, unit, of, limits, by); err != nil {
		return err
	}
	return p.publisher.Publish(ctx, []protocol.UnitID{unit})
}

// approvers is the lists of approvers for the API: what changes one publishes the
// plans that name it.
type approvers struct {
	*account.Service
	publisher *plan.Publisher
}

func (a approvers) renew(ctx context.Context, err error) error {
	if err != nil {
		return err
	}
	return a.publisher.Renew(ctx)
}

// ConfirmPasskey implements api.Passkeys.
func (a approvers) ConfirmPasskey(ctx context.Context, handle, registrar string, by protocol.PersonID) (account.Passkey, error) {
	k, err := a.Service.ConfirmPasskey(ctx, handle, registrar, by)
	return k, a.renew(ctx, err)
}

// RevokePasskey implements api.Passkeys.
func (a approvers) RevokePasskey(ctx context.Context, handle, registrar string, by protocol.PersonID) (account.Passkey, error) {
	k, err := a.Service.RevokePasskey(ctx, handle, registrar, by)
	return k, a.renew(ctx, err)
}

// DemandPasskeys implements api.Approvers.
func (a approvers) DemandPasskeys(ctx context.Context, unit protocol.UnitID, classes []protocol.Class, registrar string, by protocol.PersonID) error {
	return a.renew(ctx, a.Service.DemandPasskeys(ctx, unit, classes, registrar, by))
}

// AddDeputy implements api.Approvers.
func (a approvers) AddDeputy(ctx context.Context, d account.Deputy, registrar string, by protocol.PersonID) error {
	return a.renew(ctx, a.Service.AddDeputy(ctx, d, registrar, by))
}

// EndDeputy implements api.Approvers.
func (a approvers) EndDeputy(ctx context.Context, unit protocol.UnitID, person protocol.PersonID, registrar string, by protocol.PersonID) error {
	return a.renew(ctx, a.Service.EndDeputy(ctx, unit, person, registrar, by))
}

// doorman is the broker's policy: a device is its certificate's name, reads its
// units' and its own topics, and writes only its own.
type doorman struct {
	registry *registry.Service
	relays   *relay.Service
}

var errUnknownDevice = errors.New("device unknown, not enrolled or revoked")

// Authenticate implements broker.Policy.
func (p doorman) Authenticate(ctx context.Context, clientID string, cert *x509.Certificate) error {
	c, err := protocol.ParseClient(clientID)
	if err != nil {
		return err
	}
	key, _ := cert.PublicKey.(ed25519.PublicKey)
	err = p.registry.Admit(ctx, c.Device, key)
	if errors.Is(err, problem.ErrNotFound) || errors.Is(err, problem.ErrForbidden) {
		return errUnknownDevice
	}
	return err
}

// MaySubscribe implements broker.Policy.
func (p doorman) MaySubscribe(clientID, filter string) bool {
	c, err := protocol.ParseClient(clientID)
	if err != nil {
		return false
	}
	d, err := p.registry.Device(context.Background(), c.Device)
	if err != nil {
		return false
	}
	if session, err := protocol.ParseSessionFilter(filter); err == nil {
		return !c.Bulk && p.relays.Hears(context.Background(), session, d.Placement.Units())
	}
	return c.MaySubscribe(filter, d.Placement.Units())
}

// MayPublish implements broker.Policy.
func (p doorman) MayPublish(clientID, topic string) bool {
	c, err := protocol.ParseClient(clientID)
	return err == nil && c.MayPublish(topic)
}

// switchboard passes what devices send to the ledger or the dispatcher, once the
// hub has been put together.
type switchboard struct {
	ready    chan struct{}
	ledger   *ledger.Ledger
	dispatch *dispatch.Dispatcher
	broker   dispatch.Broker
}

// Connected implements broker.Handler; a device speaks first.
func (s *switchboard) Connected(string) {}

// Disconnected implements broker.Handler; the will tells who is offline.
func (s *switchboard) Disconnected(string, error) {}

// Message implements broker.Handler.
func (s *switchboard) Message(ctx context.Context, clientID, topic string, payload []byte) error {
	select {
	case <-s.ready:
	case <-ctx.Done():
		return ctx.Err()
	}
	device, verb, err := protocol.ParseDeviceTopic(topic)
	if err != nil || clientID != string(device) {
		return fmt.Errorf("message of %s to %s: %w", clientID, topic, protocol.ErrInvalid)
	}
	if verb == protocol.VerbReceipt {
		return s.ledger.Take(ctx, device, payload)
	}
	return s.dispatch.Heard(ctx, device, verb, payload)
}

// Publish implements dispatch.Broker.
func (s *switchboard) Publish(topic string, payload []byte, qos byte) error {
	<-s.ready
	return s.broker.Publish(topic, payload, qos)
}

// PublishTo implements dispatch.Broker.
func (s *switchboard) PublishTo(clientIDs []string, topic string, payload []byte, qos byte) error {
	<-s.ready
	return s.broker.PublishTo(clientIDs, topic, payload, qos)
}

// Broadcasts implements dispatch.Broker.
func (s *switchboard) Broadcasts() bool {
	<-s.ready
	return s.broker.Broadcasts()
}

// Backlog implements dispatch.Broker.
func (s *switchboard) Backlog() int {
	<-s.ready
	return s.broker.Backlog()
}

// Queued implements dispatch.Broker.
func (s *switchboard) Queued(clientID string) int {
	<-s.ready
	return s.broker.Queued(clientID)
}

// MayLack implements dispatch.Broker.
func (s *switchboard) MayLack(clientID string, since time.Time) bool {
	<-s.ready
	return s.broker.MayLack(clientID, since)
}

// Ack implements ledger.Replies.
func (s *switchboard) Ack(device protocol.DeviceID, signed []byte) {
	// A lost acknowledgement is asked for by sending the receipts again.
	_ = s.Publish(protocol.DeviceTopic(device, protocol.VerbAck), signed, 1)
}

// Resync implements ledger.Replies.
func (s *switchboard) Resync(ctx context.Context, device protocol.DeviceID, seq uint64) error {
	<-s.ready
	return s.dispatch.Resync(ctx, device, seq)
}

// dropped makes bulletins of dropped files.
type dropped struct {
	accounts  *account.Service
	bulletins *bulletin.Service
	blobs     *blob.Dir
	limit     int64
}

// maxTextFile is the longest text file, in bytes.
const maxTextFile = 64 << 10

// TakeFile implements inbox.Taker. A file whose name ends in .txt is text; all
// else is sound, whatever its name says.
func (d dropped) TakeFile(ctx context.Context, unit protocol.UnitID, author protocol.PersonID, path string) error {
	person, err := d.accounts.Person(ctx, author)
	if err != nil {
		return fmt.Errorf("author %s: %w", author, err)
	}
	if !person.Disabled.IsZero() {
		return problem.New(problem.ErrForbidden, "disabled", "", "Người phụ trách thư mục này đã bị khoá. Hãy đổi người trong cấu hình.", "The author of this folder is disabled. Name another one in the settings.")
	}
	actor := account.Actor{Person: person.ID, Name: person.Name, Grants: person.Grants}
	f, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("drop: %w", err)
	}
	defer f.Close()
	ctx = audit.With(ctx, audit.Origin{Person: author, Via: "drop"})
	c := bulletin.Content{
		Unit: unit, Class: protocol.ClassNormal, Options: bulletin.SoundOptions{Wanted: true},
		Title: strings.TrimSuffix(filepath.Base(path), filepath.Ext(path)),
	}
	if strings.EqualFold(filepath.Ext(path), ".txt") {
		text, err := io.ReadAll(io.LimitReader(f, maxTextFile+1))
		if err != nil {
			return fmt.Errorf("drop: %w", err)
		}
		if c.Text = string(text); len(text) > maxTextFile {
			return refused(normalise.ErrTooLong, "text")
		}
	} else {
		digest, size, err := d.blobs.Put(f, d.limit)
		if errors.Is(err, problem.ErrTooLarge) {
			return refused(transcode.ErrTooLarge, "upload")
		}
		if err != nil {
			return fmt.Errorf("drop: %w", err)
		}
		if size == 0 {
			return refused(transcode.ErrEmpty, "upload")
		}
		c.Upload = digest
	}
	b, err := d.bulletins.Create(ctx, actor, c, bulletin.FromDrop)
	if err != nil {
		return err
	}
	return d.made(ctx, actor, b)
}

// made waits until a bulletin's sound is made, or cannot be.
func (d dropped) made(ctx context.Context, actor account.Actor, b bulletin.Bulletin) error {
	for b.State == bulletin.Preparing {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(200 * time.Millisecond):
		}
		var err error
		if b, err = d.bulletins.Get(ctx, actor, b.ID); err != nil {
			return err
		}
	}
	if b.State == bulletin.Failed {
		return problem.New(problem.ErrInvalid, "studio", "", b.Problem, "No bulletin could be made of this file; the Vietnamese sentence says what to do.")
	}
	return nil
}

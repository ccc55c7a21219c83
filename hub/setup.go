package hub

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/alexedwards/argon2id"
	"github.com/loa-vn/loa/hub/account"
	"github.com/loa-vn/loa/hub/config"
	"github.com/loa-vn/loa/hub/enrol"
	"github.com/loa-vn/loa/hub/passkey"
	"github.com/loa-vn/loa/hub/problem"
	"github.com/loa-vn/loa/hub/registry"
	"github.com/loa-vn/loa/hub/signing"
	"github.com/loa-vn/loa/hub/stepca"
	"github.com/loa-vn/loa/hub/store"
	"github.com/loa-vn/loa/hub/totp"
	"github.com/loa-vn/loa/protocol"
	"github.com/loa-vn/loa/protocol/envelope"
)

// RootFile is the name of the root key's file, wrapped by its passphrase.
const RootFile = "loa-root.pem"

// delegationLife is how long the root's delegations last.
const delegationLife = 10 * 365 * 24 * time.Hour

// InitOptions are the answers that a new hub needs.
type InitOptions struct {
	// RootOut is the folder for the root key; it is to be taken away.
	RootOut string
	// Unit is the top unit. An empty ID is generated, an empty ValidFrom is today.
	Unit      registry.Unit
	Admin     protocol.PersonID
	AdminName string
	// Roots is how many roots there are, Threshold how many of them must sign;
	// 0 means one.
	Roots, Threshold int
	// Password is the administrator's. It also wraps the registrar's and the root's
	// key unless they have their own.
	Password, RegistrarPassword, RootPassword string

	Passwords Passwords
}

// Passwords is the work that each guess at a password costs, of wrapped keys and of
// log-ins. Zero fields stand for what the packages take, which nothing but tests lowers.
type Passwords struct {
	Keys   signing.Cost
	Logins argon2id.Params
}

// Initialised is what Init made.
type Initialised struct {
	Unit      protocol.UnitID
	RootFile  string // the first
	RootFiles []string
}

// Init makes a hub's data folder: keys, delegations, certificate authority,
// database, top unit and first administrator. It leaves nothing behind if it
// fails. Errors: problem.ErrConflict if the folder is a hub's already,
// problem.ErrInvalid.
func Init(ctx context.Context, c config.Config, o InitOptions) (Initialised, error) {
	now := time.Now()
	if err := o.complete(c, now); err != nil {
		return Initialised{}, err
	}
	made := []string{c.KeyDir(), c.CADir(), c.Database(), c.Database() + "-wal", c.Database() + "-shm"}
	for _, f := range made {
		if _, err := os.Lstat(f); !errors.Is(err, fs.ErrNotExist) {
			return Initialised{}, problem.New(problem.ErrConflict, "initialised", "data",
				"Thư mục dữ liệu đã có trung tâm; hãy dùng thư mục khác hoặc dọn nó đi.",
				"the data folder holds a hub already; use another one, or move this one away").Because(err)
		}
	}
	done, err := create(ctx, c, o, now)
	if err != nil {
		for _, f := range made {
			err = errors.Join(err, os.RemoveAll(f))
		}
		for _, f := range done.RootFiles {
			err = errors.Join(err, os.Remove(f))
		}
		return Initialised{}, err
	}
	return done, nil
}

// complete fills in what may be left out, and checks what can't be changed later.
func (o *InitOptions) complete(c config.Config, now time.Time) error {
	zone, err := c.Location()
	if err != nil {
		return fmt.Errorf("zone: %w", err)
	}
	if o.Unit.ID == "" {
		id, err := protocol.NewID(now, rand.Reader)
		if err != nil {
			return err
		}
		o.Unit.ID = protocol.UnitID(id)
	}
	if o.Unit.Kind == "" {
		o.Unit.Kind = registry.Commune
	}
	if o.Unit.ValidFrom == "" {
		o.Unit.ValidFrom = protocol.DateOf(now.In(zone))
	}
	o.Roots, o.Threshold = max(1, o.Roots), max(1, o.Threshold)
	if o.Roots > protocol.MaxRoots || o.Threshold > o.Roots {
		return problem.New(problem.ErrInvalid, "bad-roots", "roots", "Số khoá gốc tối đa 16, và ngưỡng không quá số đó.", "at most 16 roots, and no more must sign than there are")
	}
	if o.RegistrarPassword == "" {
		o.RegistrarPassword = o.Password
	}
	if o.RootPassword == "" {
		o.RootPassword = o.Password
	}
	for _, p := range []string{o.RegistrarPassword, o.RootPassword} {
		if len([]rune(p)) < account.MinPassword {
			return problem.New(problem.ErrInvalid, "bad-password", "password", fmt.Sprintf("Mật khẩu phải có ít nhất %d ký tự.", account.MinPassword),
				fmt.Sprintf("a password has at least %d characters", account.MinPassword))
		}
	}
	data, err := filepath.Abs(c.Data)
	if err != nil {
		return err
	}
	out, err := filepath.Abs(o.RootOut)
	if err != nil {
		return err
	}
	if rel, err := filepath.Rel(data, out); o.RootOut == "" || (err == nil && rel != ".." && !strings.HasPrefix(rel, ".."+string(filepath.Separator))) {
		return problem.New(problem.ErrInvalid, "bad-root-out", "root-out", "Khoá gốc phải để ngoài thư mục dữ liệu, ví dụ trên USB.",
			"the root key goes outside of the data folder: name another folder, on a USB stick say")
	}
	return nil
}

// create makes everything; it names the roots' files as soon as they are there.
func create(ctx context.Context, c config.Config, o InitOptions, now time.Time) (done Initialised, err error) {
	done.Unit = o.Unit.ID
	var keys [2]ed25519.PrivateKey // registrar, hub
	docs := make([]registry.Document, 0, len(keys))
	roots := protocol.Roots{Version: protocol.Version, Threshold: uint64(o.Threshold)}
	private := make([]ed25519.PrivateKey, o.Roots)
	for i := range private {
		var public ed25519.PublicKey
		if public, private[i], err = ed25519.GenerateKey(nil); err != nil {
			return done, err
		}
		roots.Keys = append(roots.Keys, protocol.Key{Kind: protocol.KeyEd25519, Public: public})
	}
	for i, role := range []protocol.Role{protocol.RoleRegistrar, protocol.RoleHub} {
		var public ed25519.PublicKey
		if public, keys[i], err = ed25519.GenerateKey(nil); err != nil {
			return done, err
		}
		doc, err := delegated(private[:o.Threshold], role, protocol.Key{Kind: protocol.KeyEd25519, Public: public}, []protocol.UnitID{o.Unit.ID}, now)
		if err != nil {
			return done, err
		}
		docs = append(docs, doc)
	}
	for _, dir := range []string{c.Data, o.RootOut} {
		if err := os.MkdirAll(dir, 0o750); err != nil {
			return done, fmt.Errorf("init: %w", err)
		}
	}
	for i, priv := range private {
		file := filepath.Join(o.RootOut, RootFile)
		if len(private) > 1 {
			file = filepath.Join(o.RootOut, fmt.Sprintf("loa-root-%d.pem", i+1))
		}
		if err := signing.WriteWrapped(file, priv, o.RootPassword, o.Passwords.Keys); err != nil {
			if errors.Is(err, fs.ErrExist) {
				err = problem.New(problem.ErrConflict, "root-exists", "root-out", "Nơi ghi khoá gốc đã có một khoá gốc; hãy chọn nơi khác.",
					"there is a root key in that folder already; name another one").Because(err)
			}
			return done, err
		}
		done.RootFiles = append(done.RootFiles, file)
	}
	done.RootFile = done.RootFiles[0]
	keyring := signing.OpenKeyring(c.KeyDir(), o.Passwords.Keys)
	if err := keyring.Create(keys[1], keys[0], o.RegistrarPassword, roots); err != nil {
		return done, err
	}
	if _, err := signing.CreateCA(c.CADir(), "Loa "+string(o.Unit.ID), now); err != nil {
		return done, err
	}
	for _, dir := range []string{c.BlobDir(), c.DropDir()} {
		if err := os.MkdirAll(dir, 0o750); err != nil {
			return done, fmt.Errorf("init: %w", err)
		}
	}
	db, err := store.Open(ctx, c.Database())
	if err != nil {
		return done, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	if err := os.Chmod(c.Database(), 0o640); err != nil {
		return done, fmt.Errorf("init: %w", err)
	}
	if err := first(ctx, db, keyring, o, docs); err != nil {
		return done, err
	}
	return done, nil
}

// first stores the top unit, the delegations and the administrator.
func first(ctx context.Context, db *store.DB, keyring *signing.Keyring, o InitOptions, docs []registry.Document) error {
	reg := registry.New(registry.Config{Store: db.Registry(), Keyring: keyring, Zone: time.UTC})
	if err := reg.AddTop(ctx, o.Unit, docs); err != nil {
		return err
	}
	people, err := account.New(account.Config{Store: db.Accounts(), Keyring: keyring, Units: reg, Passkeys: db.Accounts(), Hash: o.Passwords.Logins})
	if err != nil {
		return err
	}
	return people.Add(ctx, account.NewPerson{
		ID: o.Admin, Name: o.AdminName, Password: o.Password,
		Grants: []account.Grant{{Unit: o.Unit.ID, Role: account.Administrator}},
	}, "", "")
}

// delegated signs with roots that a key has a role in units and all below.
func delegated(roots []ed25519.PrivateKey, role protocol.Role, key protocol.Key, units []protocol.UnitID, now time.Time) (registry.Document, error) {
	d := delegation(role, key, units, now)
	if len(roots) == 1 {
		root, err := envelope.NewSigner(roots[0])
		if err != nil {
			return registry.Document{}, err
		}
		return registry.SealDocument(root, envelope.KindDelegation, fmt.Sprintf("%x", string(key.ID())), d.Number, &d, now)
	}
	a, err := act(envelope.KindDelegation, &d)
	if err != nil {
		return registry.Document{}, err
	}
	for _, r := range roots {
		if err := a.Sign(r); err != nil {
			return registry.Document{}, err
		}
	}
	b, err := a.Documents[0].Endorsed()
	if err != nil {
		return registry.Document{}, err
	}
	return registry.NewDocument(envelope.KindDelegation, fmt.Sprintf("%x", string(key.ID())), d.Number, b, now), nil
}

func delegation(role protocol.Role, key protocol.Key, units []protocol.UnitID, now time.Time) protocol.Delegation {
	return protocol.Delegation{
		Version: protocol.Version, Role: role, Key: key, Units: units,
		Classes: []protocol.Class{protocol.ClassNormal, protocol.ClassPriority, protocol.ClassEmergency},
		From:    protocol.InstantOf(now), Until: protocol.InstantOf(now.Add(delegationLife)), Number: uint64(now.UnixMilli()),
	}
}

// Base is what the hub and its commands share: the database and the services of
// people and devices.
type Base struct {
	Config config.Config
	DB     *store.DB
	Keys   *signing.Keyring
	CA     *signing.CA
	// FirstRoots are those of init; Roots are those in force.
	FirstRoots, Roots protocol.Roots
	Zone              *time.Location
	Account           *account.Service
	Registry          *registry.Service
	Enrol             *enrol.Service
	// clients are the authorities of devices' certificates.
	clients *x509.CertPool
}

// OpenBase opens an initialised data folder. mqttURL is told to devices that are
// enrolled. Error: problem.ErrUnavailable if the folder is no hub's.
func OpenBase(ctx context.Context, c config.Config, mqttURL string, log *slog.Logger, work Passwords) (*Base, error) {
	zone, err := c.Location()
	if err != nil {
		return nil, fmt.Errorf("zone: %w", err)
	}
	b := &Base{Config: c, Keys: signing.OpenKeyring(c.KeyDir(), work.Keys), Zone: zone}
	if _, err := os.Stat(c.Database()); errors.Is(err, fs.ErrNotExist) {
		return nil, problem.New(problem.ErrUnavailable, "not-initialised", "data", "Chưa có trung tâm trong thư mục dữ liệu; hãy chạy loa-hub init, hoặc chỉ tệp cài đặt khác bằng --config.",
			"there is no hub in "+c.Data+"; run loa-hub init first, or name its settings with --config").Because(err)
	}
	if b.FirstRoots, err = b.Keys.Roots(); err != nil {
		return nil, err
	}
	if b.CA, err = signing.OpenCA(c.CADir()); err != nil {
		return nil, err
	}
	if b.DB, err = store.Open(ctx, c.Database()); err != nil {
		return nil, err
	}
	b.Registry = registry.New(registry.Config{Store: b.DB.Registry(), Keyring: b.Keys, Standing: b.chain, Zone: zone, Log: log})
	if b.Roots, err = rootsInForce(ctx, b.DB.Registry(), b.FirstRoots); err != nil {
		return nil, errors.Join(err, b.DB.Close())
	}
	people := account.Config{
		Store: b.DB.Accounts(), Keyring: b.Keys, Units: b.Registry, Log: log, Passkeys: b.DB.Accounts(),
		Sessions: b.DB.Accounts(), Identities: b.DB.Accounts(),
		Second: b.DB.Accounts(), Codes: totp.Codes{Issuer: "Loa"}, Sealer: b.Keys, Demand: c.Console.Demand(), Demands: b.DB.Accounts(), Hash: work.Logins,
	}
	if people.Site = passkey.SiteOf(c.Console.URL); people.Site != nil {
		keys, err := passkey.New(*people.Site, "Loa")
		if err != nil {
			return nil, errors.Join(err, b.DB.Close())
		}
		people.Ceremony, people.Prover = keys, keys
	}
	if b.Account, err = account.New(people); err != nil {
		return nil, errors.Join(err, b.DB.Close())
	}
	b.clients = b.CA.Pool()
	var issuer enrol.Issuer
	if c.Enrol.Issuer.URL != "" {
		ca, err := stepca.New(stepca.Config(c.Enrol.Issuer))
		if err != nil {
			return nil, errors.Join(err, b.DB.Close())
		}
		root, err := x509.ParseCertificate(ca.Root())
		if err != nil {
			return nil, errors.Join(err, b.DB.Close())
		}
		b.clients.AddCert(root)
		issuer = ca
	}
	b.Enrol = enrol.New(enrol.Config{
		Store: b.DB.Enrolments(), Registry: b.Registry, Authority: b.CA, Issuer: issuer, Roots: b.rootsInForce, MQTTURL: mqttURL, Log: log,
	})
	return b, nil
}

// Checkpoint signs the record of acts as far as it goes.
func (b *Base) Checkpoint(ctx context.Context) error {
	signer, err := b.Keys.Hub()
	if err != nil {
		return err
	}
	_, err = b.DB.Audit().Checkpoint(ctx, signer, time.Now())
	return err
}

// Close signs the record of acts and closes the database.
func (b *Base) Close() error {
	return errors.Join(b.Checkpoint(context.Background()), b.DB.Close())
}

// rootsInForce reads the newest list: a command beside the running hub may have
// taken one.
func (b *Base) rootsInForce(ctx context.Context) (protocol.Roots, error) {
	return rootsInForce(ctx, b.DB.Registry(), b.FirstRoots)
}

// ConfiguredMQTTURL is where devices find MQTT if the port is a fixed one.
func ConfiguredMQTTURL(c config.Config) string {
	addr, err := net.ResolveTCPAddr("tcp", c.MQTT.Listen)
	if err != nil {
		return c.MQTT.URL
	}
	return c.MQTTURL(addr)
}

// ConfiguredEnrolURL is where devices find enrolment if the port is a fixed one.
func ConfiguredEnrolURL(c config.Config) string {
	addr, err := net.ResolveTCPAddr("tcp", c.Enrol.Listen)
	if err != nil {
		return c.Enrol.URL
	}
	return c.EnrolURL(addr)
}

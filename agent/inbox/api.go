package inbox

// The exported surface, while it is being filled in:
//
//	type Config struct {
//		Device protocol.DeviceID
//		Roots  []protocol.Key
//		Store  *store.Store
//		Cache  *cache.Cache
//		Clock  *timesync.Clock
//		Hub    Hub // what it sends with; *link.Link
//		Entropy io.Reader
//		Log    *slog.Logger
//		Heartbeat func() // ask for a heartbeat now
//		Resend func(seq uint64) // receipts from seq on again
//		Acked  func(b []byte) // a signed ack of the hub's, opened and its own
//	}
//	func New(Config) (*Inbox, error)
//	func (*Inbox) Run(ctx context.Context) error
//	func (*Inbox) Handle(topic string, payload []byte)   // never blocks for long
//	func (*Inbox) Connected(ctx context.Context)
//	func (*Inbox) Updates() <-chan []Update   // first the whole held state; each slice is one instant
//	func (*Inbox) Verdict(a protocol.Airing) (envelope.Grant, error) // judge at due time; errors: ErrMissing, envelope's
//	func (*Inbox) Bulletin(a protocol.Airing) (protocol.Bulletin, error)
//	func (*Inbox) Placement() protocol.Placement
//	func (*Inbox) Filters() []string
//	func ReasonOf(err error) protocol.Reason  // of a Verdict's error

import de.bwaldvogel.mongo.MongoServer;
import de.bwaldvogel.mongo.backend.aggregation.Expression;
import de.bwaldvogel.mongo.backend.h2.H2Backend;
import de.bwaldvogel.mongo.bson.Document;
import de.bwaldvogel.mongo.wire.message.MongoMessage;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.h2.mvstore.MVStore;

/**
 * mongo-java-server with what the store and its tests need of MongoDB beyond that: what was written is on the disk
 * before it is answered, an update may be by stages, an insert counts what it inserted, hello is known, and
 * serverStatus counts commands. One command at a time, so that each is atomic.
 */
public final class TestServer extends H2Backend {
  private static final Set<String> READS =
      Set.of("find", "getMore", "hello", "ping", "listIndexes", "serverStatus");

  private final Map<String, Long> counts = new TreeMap<>();

  private TestServer(MVStore store) {
    super(store);
  }

  /** PORT: keeps its data in the working folder. */
  public static void main(String[] words) {
    MVStore store = new MVStore.Builder().fileName("data.mv").autoCommitDisabled().open();
    store.setRetentionTime(0);  // all is on the disk: what nothing refers to may be written over
    MongoServer server = new MongoServer(new TestServer(store));
    Runtime.getRuntime().addShutdownHook(new Thread(server::shutdownNow));
    server.bind("127.0.0.1", Integer.parseInt(words[0]));
  }

  @Override
  public synchronized Document handleMessage(MongoMessage message) {
    Document command = message.getDocument();
    String name = command.keySet().iterator().next();
    counts.merge(name, 1L, Long::sum);
    if (name.equals("hello")) {
      return handleCommand(message.getChannel(), message.getDatabaseName(), "ismaster", command);
    }
    if (name.equals("update")) {
      for (Object each : (List<?>) command.get("updates")) {
        replaceStages((Document) each, message);
      }
    }
    Document reply = READS.contains(name) ? super.handleMessage(message) : write(message);
    if (name.equals("insert") && reply.get("writeErrors") instanceof List<?> errors) {
      reply.put("n", ((List<?>) command.get("documents")).size() - errors.size());
    }
    return reply;
  }

  private Document write(MongoMessage message) {
    try {
      return super.handleMessage(message);
    } finally {
      keep();
    }
  }

  /** The store is of no use after a failure, a full disk say: who starts this again has what was kept before. */
  private void keep() {
    if (!getMvStore().hasUnsavedChanges()) {
      return;
    }
    try {
      getMvStore().commit();
      getMvStore().sync();
    } catch (RuntimeException failure) {
      System.err.println("cannot write: " + failure.getMessage());
      Runtime.getRuntime().halt(1);
    }
  }

  /** By the document that they make of the one that is there: nobody changes it meanwhile. */
  private void replaceStages(Document statement, MongoMessage message) {
    if (!(statement.get("u") instanceof List<?> stages)) {
      return;
    }
    Document find = new Document("find", message.getDocument().get("update"))
        .append("filter", statement.get("q"));
    Document reply = handleCommand(message.getChannel(), message.getDatabaseName(), "find", find);
    List<?> found = (List<?>) ((Document) reply.get("cursor")).get("firstBatch");
    Document made = new Document("$set", new Document());
    for (Object each : found) {
      made = changed((Document) each, stages);
    }
    statement.put("u", made);
  }

  /** What a stage sets it computes of what was there before it. */
  private static Document changed(Document document, List<?> stages) {
    Document made = document.cloneDeeply();
    for (Object each : stages) {
      Document stage = (Document) each;
      Document before = made.cloneDeeply();
      if (stage.get("$set") instanceof Document fields) {
        fields.forEach((name, value) -> made.put(name, Expression.evaluateDocument(value, before)));
      } else {
        made.remove(stage.get("$unset"));
      }
    }
    return made;
  }

  @Override
  public Document getServerStatus() {
    Document commands = new Document();
    counts.forEach((name, count) -> commands.append(name, new Document("total", count)));
    return super.getServerStatus().append("metrics", new Document("commands", commands));
  }
}

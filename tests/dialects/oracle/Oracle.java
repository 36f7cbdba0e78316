import com.fasterxml.jackson.databind.ObjectMapper;
import io.trino.Session;
import io.trino.plugin.memory.MemoryPlugin;
import io.trino.spi.connector.ConnectorFactory;
import io.trino.spi.type.TimeZoneKey;
import io.trino.testing.LocalQueryRunner;
import io.trino.testing.MaterializedResult;
import io.trino.testing.MaterializedRow;
import io.trino.testing.TestingSession;
import java.io.BufferedReader;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.math.BigDecimal;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** A real Trino in one process: a JSON object with "sql" a line comes in, one with columns, types and rows goes out. */
public class Oracle {
  public static void main(String[] arguments) throws Exception {
    PrintStream out = new PrintStream(new FileOutputStream(FileDescriptor.out), true, StandardCharsets.UTF_8);
    System.setOut(System.err);
    Session session = TestingSession.testSessionBuilder()
        .setCatalog("memory").setSchema("default").setTimeZoneKey(TimeZoneKey.UTC_KEY)
        .setSystemProperty("query_max_run_time", "120s").build();
    LocalQueryRunner runner = LocalQueryRunner.create(session);
    for (ConnectorFactory factory : new MemoryPlugin().getConnectorFactories()) {
      runner.createCatalog("memory", factory, Map.of("memory.max-data-per-node", "4GB"));
    }
    ObjectMapper json = new ObjectMapper();
    BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    for (String line = in.readLine(); line != null; line = in.readLine()) {
      Map<String, Object> answer = new LinkedHashMap<>();
      try {
        MaterializedResult result = runner.execute(session, (String) json.readValue(line, Map.class).get("sql"));
        List<String> types = new ArrayList<>();
        result.getTypes().forEach(type -> types.add(type.getDisplayName()));
        answer.put("columns", result.getColumnNames());
        answer.put("types", types);
        answer.put("rows", plain(result.getMaterializedRows()));
      } catch (Throwable error) {
        answer.clear();
        answer.put("error", String.valueOf(error.getMessage()));
      }
      out.println(json.writeValueAsString(answer));
    }
    System.exit(0);
  }

  private static Object plain(Object value) {
    if (value instanceof Double number && (number.isNaN() || number.isInfinite())) {
      return number.toString();
    }
    if (value instanceof BigDecimal number) {
      return number.toPlainString();
    }
    if (value == null || value instanceof Number || value instanceof Boolean || value instanceof String) {
      return value;
    }
    if (value instanceof MaterializedRow row) {
      return plain(row.getFields());
    }
    if (value instanceof Map<?, ?> map) {
      Map<String, Object> found = new LinkedHashMap<>();
      map.forEach((key, each) -> found.put(String.valueOf(key), plain(each)));
      return Map.of("map", found);
    }
    if (value instanceof Collection<?> list) {
      List<Object> found = new ArrayList<>();
      list.forEach(each -> found.add(plain(each)));
      return found;
    }
    return value instanceof byte[] bytes ? HexFormat.of().formatHex(bytes) : value.toString();
  }
}

import java.nio.file.Files;
import java.nio.file.Path;
import org.apache.iceberg.TableMetadataParser;

/** Parses one metadata file as every Java engine does; an invalid one ends with the library's exception. */
public class ReadMetadata {
    public static void main(String[] arguments) throws Exception {
        System.out.println(TableMetadataParser.fromJson(Files.readString(Path.of(arguments[0]))).uuid());
    }
}
